"""Several things at once: queues, interrupts, questions, restarts, ends."""

import time
import uuid

from checks import check
from driver import LIMIT, Front


@check()
def control_while_busy(k, t):
    """While a cell runs the control channel answers, and the cell goes on."""
    r = k.busy(t["endless"])
    c = k.call("kernel_info_request", {}, "control")
    assert c["status"] == "ok" and r.reply is None, r
    k.interrupt()
    k.finish(r)


@check(python3="ipykernel's shell is one thread: these wait for the cell")
def answers_while_busy(k, t):
    """While a cell runs, completion, inspection, history and the rest are answered on shell; the kernel stays busy."""
    k.ok(t["bind"])
    r = k.busy(t["endless"])
    start = time.monotonic()
    assert t["completed"].split(".")[1] in k.complete(t["complete_at"])["matches"]
    assert "kept" in k.complete(t["before_cursor"] + "kep")["matches"]
    assert k.inspect(t["inspect_at"])["found"]
    assert k.call("is_complete_request", {"code": t["incomplete"][0]})["status"] == "incomplete"
    assert k.history(n=1)
    assert k.call("comm_info_request", {})["comms"] == {}
    assert r.reply is None and r.states[-1] == "busy" and time.monotonic() - start < LIMIT, r
    k.interrupt()
    k.finish(r)


@check()
def stop_on_error(k, t):
    """What waits behind a failing cell is aborted, and what comes later runs."""
    first = k.begin(t["slow_fail"])
    waiting = [k.begin(t["hello"]) for _ in range(2)]
    k.finish(first, *waiting)
    assert first.status == "error" and [r.status for r in waiting] == ["aborted", "aborted"], waiting[0]
    assert all(r.types == [] and r.states == ["busy", "idle"] for r in waiting), waiting[0]
    assert k.ok(t["hello"]).stdout == "hello, world\n"


@check()
def go_on_after_an_error(k, t):
    """stop_on_error: false lets the next ones run."""
    first = k.begin(t["slow_fail"], stop=False)
    second = k.begin(t["hello"])
    k.finish(first, second)
    assert first.status == "error" and second.status == "ok" and second.stdout == "hello, world\n", second


@check()
def interrupt(k, t):
    """An interrupt ends the cell, soon, with one error; the kernel, its values and those of the cell live on."""
    k.ok(t["rebind"])
    r = k.busy(t["bind_and_wait"])
    start = time.monotonic()
    k.interrupt()
    k.finish(r)
    assert r.status == "error" and r.types.count("error") == 1 and time.monotonic() - start < 8, r
    assert r.reply["content"]["ename"] in ("interrupted", "KeyboardInterrupt"), r
    assert k.ok(t["during"]).value == "7" and k.ok(t["reuse"]).value == "4"


@check()
def interrupt_by_message(k, t):
    """interrupt_request on control stops the cell and what waits behind it."""
    r = k.busy(t["endless"])
    waiting = k.begin(t["hello"])
    k.sleep(0.1)
    assert k.call("interrupt_request", {}, "control")["status"] == "ok"
    k.finish(r, waiting)
    assert r.status == "error" and waiting.status == "aborted", waiting


@check(python3="Python has no samplers of its own")
def progress(k, t):
    """Long work has one line, updated in place five times a second at most; an interrupt keeps the partial result; short work has none."""
    k.ok(t["sampler"])
    r = k.ok(t["sample"] % 5)
    assert r.types == [], r
    r = k.begin(t["sample"] % 5000)
    k.wait(lambda: r.of("display_data"), "the line")
    before = len(r.of("update_display_data"))
    k.sleep(2)
    assert 3 <= len(r.of("update_display_data")) - before <= 12, r
    k.interrupt()
    k.finish(r)
    lines = r.of("display_data") + r.of("update_display_data")
    assert r.types.count("display_data") == 1 and len({c["transient"]["display_id"] for c in lines}) == 1, r
    assert all("text/html" in c["data"] and "script" not in c["data"]["text/html"] for c in lines), r
    assert "of 5000" in lines[-1]["data"]["text/plain"] and r.reply["content"]["ename"] == "interrupted", r
    assert "3 samples are kept in drawn" in "\n".join(r.reply["content"]["traceback"]), r
    assert k.ok(t["sampled"]).value == "3"


@check()
def interrupt_idle(k, t):
    """An interrupt when nothing runs does nothing, and does not hit the next cell."""
    k.interrupt()
    k.sleep(0.2)
    assert k.ok(t["hello"]).stdout == "hello, world\n"


@check()
def questions(k, t):
    """A cell that reads asks the front end, once for each line, and what it has printed is there by then."""
    r = k.ok(t["ask"], answers=["Ada"])
    assert r.stdout.endswith("hello Ada\n") and len(r.asked) == 1 and r.asked[0]["password"] is False, r
    assert "who? " in r.seen_at_question[0] + r.asked[0]["prompt"], r
    r = k.ok(t["ask_twice"], answers=["é 1", "two"])
    assert r.stdout == "é 1 and two\n" and len(r.asked) == 2, r


@check()
def questions_not_allowed(k, t):
    """Where the front end cannot answer, reading is an error at once."""
    start = time.monotonic()
    r = k.run(t["ask"])
    assert r.reply["content"]["ename"] == t["ask_refused"] and r.types.count("error") == 1 and r.asked == [], r
    assert time.monotonic() - start < LIMIT


@check()
def question_interrupted(k, t):
    """A question that is not answered can be interrupted; a late answer goes nowhere."""
    r = k.begin(t["ask"], stdin=True)
    k.wait(lambda: r.asked, "the question")
    k.interrupt()
    k.finish(r)
    assert r.status == "error", r
    k.client.stdin_channel.send(k.client.session.msg("input_reply", {"value": "late", "status": "ok"}))
    k.sleep(0.1)
    assert k.ok(t["ask"], answers=["Eve"]).stdout.endswith("hello Eve\n")


@check()
def two_front_ends(k, t):
    """Outputs go to all front ends, replies and questions to the one that asked."""
    other = Front(k.manager)
    try:
        r = k.ok(t["hello"])
        other.wait(lambda: any(m["msg_type"] == "stream" for m in other.strangers), "the output of the other's cell")
        assert all(m["parent_header"].get("msg_id") != r.id for m in other.strangers if m["msg_type"] == "execute_reply")
        q = other.run(t["ask"], answers=["Bob"])
        assert q.stdout.endswith("hello Bob\n") and len(q.asked) == 1, q
        k.pump()
        assert not any(m["msg_type"] in ("input_request", "execute_reply") for m in k.strangers)
    finally:
        other.close()


@check(fresh=True)
def restart(k, t):
    """A restart is told to all, forgets values, counts from 1 and keeps the history of before."""
    word = "r" + uuid.uuid4().hex[:10]
    code = t["rebind"].replace("text", word)
    k.ok(code)
    k.ok(t["value"])
    before = k.history(n=1)[0][0]
    old = k.manager.provisioner.pid
    other = Front(k.manager)
    k.restart()
    other.wait(lambda: any(m["msg_type"] == "shutdown_reply" and m["content"]["restart"] is True for m in other.strangers), "word of the restart")
    other.close()
    assert k.manager.provisioner.pid != old and not [p for p, _ in k.family() if p == old]
    assert k.run(t["reuse"]).status == "error"
    assert k.ok(t["value"]).reply["content"]["execution_count"] == 2
    found = k.history(hist_access_type="search", pattern="*%s*" % word, n=5)
    assert [row[2] for row in found] == [code] and found[0][0] == before, found
    assert [row[2] for row in k.history(hist_access_type="range", session=-1, start=1, stop=3)] == [code, t["value"]]
    assert k.history(n=1)[0][0] > before


@check(fresh=True, python3="ipykernel leaves a process that has left its group")
def no_orphans(k, t):
    """A shutdown in the middle of a cell ends everything: the cell, its child, a process in a session of its own."""
    k.ok(t["detached"])
    k.busy(t["child"])
    assert sum("sleep 1000" in command for _, command in k.family()) >= 2, k.family()
    c = k.send("shutdown_request", {"restart": False}, "control")
    k.wait(lambda: c.reply, "shutdown_reply")
    assert c.reply["content"]["status"] == "ok" and c.reply["content"]["restart"] is False, c
    k.wait(lambda: not k.manager.is_alive(), "the end of the kernel", 10)
    k.wait(lambda: not k.family(), "the end of %s" % k.family(), 5)


@check(fresh=True)
def shutdown_when_idle(k, t):
    """Shutdown on the shell channel's elder way or on control: the process ends by itself."""
    k.ok(t["hello"])
    c = k.send("shutdown_request", {"restart": False}, "control")
    k.wait(lambda: c.reply, "shutdown_reply")
    k.wait(lambda: not k.manager.is_alive(), "the end of the kernel", 10)
    k.wait(lambda: not k.family(), "the end of %s" % k.family(), 5)
