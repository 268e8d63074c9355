"""A kernel under test, as a front end sees it. Every wait has a limit."""

import os
import time
import uuid

import psutil
from jupyter_client import BlockingKernelClient, KernelManager
from queue import Empty

LIMIT = 30  # seconds for whatever is waited for: a loaded machine is slow


class Timeout(AssertionError):
    pass


class Request:
    """One message to the kernel and what came back for it."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.id, self.kind, self.content = None, None, None
        self.reply = None  # the whole message
        self.messages = []  # on iopub, in order
        self.asked = []  # contents of input_request
        self.seen_at_question = []  # stdout when each was asked

    @property
    def states(self):
        return [m["content"]["execution_state"] for m in self.messages if m["msg_type"] == "status"]

    @property
    def types(self):
        """What was shown: neither status nor the echo of the input."""
        return [m["msg_type"] for m in self.messages if m["msg_type"] not in ("status", "execute_input")]

    def of(self, kind):
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    def text(self, name):
        return "".join(c["text"] for c in self.of("stream") if c["name"] == name)

    @property
    def stdout(self):
        return self.text("stdout")

    @property
    def stderr(self):
        return self.text("stderr")

    @property
    def status(self):
        return self.reply and self.reply["content"]["status"]

    @property
    def value(self):
        found = self.of("execute_result")
        return found[-1]["data"]["text/plain"] if found else None

    @property
    def done(self):
        return self.reply is not None and "idle" in self.states

    def __str__(self):
        return "%s %s\n  reply %s\n  %s" % (
            self.kind, self.content, self.reply and self.reply["content"],
            "\n  ".join("%s %s" % (m["msg_type"], m["content"]) for m in self.messages))


class Front:
    """A front end of a running kernel, with a session of its own."""

    def __init__(self, manager):
        self.client = BlockingKernelClient(connection_file=manager.connection_file)
        self.client.load_connection_file()
        self.client.start_channels()
        self.requests, self.strangers = {}, []
        # A subscription takes effect some time after the connection does.
        first, end = self.send("kernel_info_request", {}), time.monotonic() + LIMIT
        self.wait(lambda: first.reply, "the first reply")
        while time.monotonic() < end:
            r = self.send("kernel_info_request", {})
            self.wait(lambda: r.reply, "a reply")
            self.sleep(0.05)
            if r.done:
                return
        raise Timeout("nothing arrives on iopub")

    def close(self):
        self.client.stop_channels()

    def send(self, kind, content, channel="shell", answers=(), header=None):
        session = self.client.session
        r = Request(answers)
        message = session.msg(kind, content, header=header)
        r.id, r.kind, r.content = message["header"]["msg_id"], kind, content
        self.requests[r.id] = r
        getattr(self.client, channel + "_channel").send(message)
        return r

    def pump(self):
        """Take what has arrived."""
        for name in ("iopub", "shell", "control", "stdin"):
            self.take(name)

    def take(self, name):
        channel = getattr(self.client, name + "_channel")
        while True:
            try:
                m = channel.get_msg(timeout=0)
            except Empty:
                return
            r = self.requests.get(m["parent_header"].get("msg_id"))
            if r is None:
                self.strangers.append(m)
            elif name == "iopub":
                r.messages.append(m)
            elif name == "stdin":
                time.sleep(0.1)  # the two sockets are not in step
                self.take("iopub")
                r.asked.append(m["content"])
                r.seen_at_question.append(r.stdout)
                if r.answers:
                    answer = self.client.session.msg("input_reply", {"value": r.answers.pop(0), "status": "ok"}, parent=m)
                    self.client.stdin_channel.send(answer)
            else:
                assert r.reply is None, "two replies: %s" % r
                r.reply = m

    def wait(self, until, what, limit=LIMIT):
        end = time.monotonic() + limit
        while True:
            self.pump()
            if until():
                return
            if time.monotonic() > end:
                raise Timeout("%.0f s without %s" % (limit, what))
            time.sleep(0.004)

    def sleep(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump()
            time.sleep(0.01)

    def finish(self, *requests, limit=LIMIT):
        for r in requests:
            self.wait(lambda: r.done, "reply and idle for\n%s" % r, limit)

    def call(self, kind, content, channel="shell", limit=LIMIT):
        r = self.send(kind, content, channel)
        self.finish(r, limit=limit)
        return r.reply["content"]

    def begin(self, code, silent=False, store=True, expressions=None, stdin=False, stop=True, answers=()):
        return self.send("execute_request", {
            "code": code, "silent": silent, "store_history": store and not silent, "user_expressions": expressions or {},
            "allow_stdin": stdin or bool(answers), "stop_on_error": stop}, answers=answers)

    def run(self, code, **how):
        r = self.begin(code, **how)
        self.finish(r)
        return r

    def ok(self, code, **how):
        r = self.run(code, **how)
        assert r.status == "ok", r
        return r

    def busy(self, code, **how):
        """Begin a cell that prints "on" and then goes on for long."""
        r = self.begin(code, **how)
        self.wait(lambda: "on\n" in r.stdout, '"on" from\n%s' % r)
        self.sleep(0.1)
        return r

    def complete(self, code, cursor=None):
        return self.call("complete_request", {"code": code, "cursor_pos": len(code) if cursor is None else cursor})

    def inspect(self, code, cursor=None):
        return self.call("inspect_request", {"code": code, "cursor_pos": len(code) if cursor is None else cursor, "detail_level": 0})

    def history(self, **how):
        content = {"output": False, "raw": True, "hist_access_type": "tail"}
        content.update(how)
        return [tuple(row) for row in self.call("history_request", content)["history"]]


class Kernel(Front):
    """A kernel process with its first front end."""

    def __init__(self, name):
        self.mark = "BEHAVIOUR_MARK=" + uuid.uuid4().hex
        self.manager = KernelManager(kernel_name=name)
        key, value = self.mark.split("=")
        self.manager.start_kernel(env={**os.environ, key: value})
        super().__init__(self.manager)

    def restart(self):
        self.close()
        self.manager.restart_kernel(now=False)
        super().__init__(self.manager)

    def interrupt(self):
        self.manager.interrupt_kernel()

    def family(self):
        """The living processes that come from this kernel, itself among them."""
        found = []
        for p in psutil.process_iter():
            try:
                with open("/proc/%d/environ" % p.pid, "rb") as f:
                    if self.mark.encode() in f.read() and p.status() != psutil.STATUS_ZOMBIE and p.pid != os.getpid():
                        found.append((p.pid, " ".join(p.cmdline())))
            except (OSError, psutil.Error):
                pass
        return found

    def end(self):
        self.close()
        self.manager.shutdown_kernel(now=True)
