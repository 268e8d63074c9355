"""What the kernel is asked beside cells."""

import time
import uuid

from checks import check
from driver import Front


@check()
def kernel_info(k, t):
    """What the kernel is, on the shell and on the control channel."""
    for channel in ("shell", "control"):
        c = k.call("kernel_info_request", {}, channel)
        assert c["status"] == "ok" and c["protocol_version"].startswith("5.") and c["banner"], c
        assert c["language_info"]["name"] == t["name"] and c["language_info"]["file_extension"] == t["extension"], c
        for key in ("implementation", "implementation_version", "help_links"):
            assert key in c, key
        for key in ("version", "mimetype"):
            assert key in c["language_info"], key


@check()
def welcome(k, t):
    """A front end's first message on iopub says that it is subscribed."""
    m = k.strangers[0]
    assert m["msg_type"] == "iopub_welcome" and m["content"] == {"subscription": ""} and m["parent_header"] == {}, m


@check(python3="ipykernel welcomes the first subscriber only")
def welcome_again(k, t):
    """A second front end is welcomed as the first one was."""
    other = Front(k.manager)
    try:
        assert [m["content"] for m in other.strangers if m["msg_type"] == "iopub_welcome"] == [{"subscription": ""}], other.strangers
    finally:
        other.close()


@check()
def heartbeat(k, t):
    """The heartbeat echoes, in the middle of a cell too."""
    r = k.busy(t["slow"] % 1.2)
    k.client.hb_channel.unpause()
    end = time.monotonic() + 10
    while not k.client.hb_channel.is_beating() and time.monotonic() < end:
        time.sleep(0.05)
    assert k.client.hb_channel.is_beating()
    k.finish(r)


@check()
def is_complete(k, t):
    """complete, incomplete with the indent of the next line, invalid."""
    for status in ("complete", "incomplete", "invalid"):
        for code in t[status]:
            c = k.call("is_complete_request", {"code": code})
            assert c["status"] == status, (code, c)
            if code == t["incomplete"][0]:
                assert c["indent"] == t["indent"], (code, c)


@check()
def completion(k, t):
    """Completion replaces from start to end, whatever Unicode is around the cursor; nothing known is an empty list."""
    k.ok(t["prepare"])
    for before in ("", t["before_cursor"]):
        for after in ("", t["after_cursor"]):
            at = before + t["complete_at"]
            c = k.complete(at + after, len(at))
            made = [(at + after)[:c["cursor_start"]] + m + (at + after)[c["cursor_end"]:] for m in c["matches"]]
            assert c["status"] == "ok" and c["cursor_end"] == len(at) and before + t["completed"] + after in made, (at, c)
    c = k.complete("nosuchname_at_all")
    assert c["status"] == "ok" and c["matches"] == [], c


@check()
def completion_of_own_names(k, t):
    """What a cell has defined is completed, non-ASCII names too."""
    k.ok(t["bind"])
    assert "kept" in k.complete("kep")["matches"]
    k.ok(t["bind"].replace("kept", "größe"))
    assert "größe" in k.complete(t["before_cursor"] + "grö")["matches"]


@check()
def inspection(k, t):
    """Inspection under the cursor, also behind non-ASCII text; nothing known is found: false."""
    for before in ("", t["before_cursor"]):
        c = k.inspect(before + t["inspect_at"])
        assert c["status"] == "ok" and c["found"] and t["inspected"] in c["data"]["text/plain"], c
    c = k.inspect("nosuchname")
    assert c["status"] == "ok" and not c["found"] and c["data"] == {}, c


@check()
def quick_answers(k, t):
    """Completion and inspection, warm, within .3 s: the better of five, since the machine may be busy."""
    for ask, code in ((k.complete, t["complete_at"]), (k.inspect, t["inspect_at"])):
        best = 9.0
        for _ in range(5):
            start = time.monotonic()
            ask(code)
            best = min(best, time.monotonic() - start)
        assert best < 0.3, best


@check()
def history(k, t):
    """tail, range and search; only what is stored is there."""
    word = "h" + uuid.uuid4().hex[:10]
    first, second = "%s\n# %s 1" % (t["value"], word), "%s\n# %s 2" % (t["value"], word)
    if t["name"] == "go":
        first, second = first.replace("#", "//"), second.replace("#", "//")
    n = k.ok(first).reply["content"]["execution_count"]
    k.ok(t["hello"], store=False)
    k.ok(second)
    k.ok(first)
    tail = k.history(n=3)
    session = tail[0][0]
    assert tail == [(session, n, first), (session, n + 1, second), (session, n + 2, first)], tail
    assert k.history(n=1, output=True)[0][2][0] == first
    ranged = k.history(hist_access_type="range", session=0, start=n, stop=n + 2)
    assert [row[1:] for row in ranged] == [(n, first), (n + 1, second)], ranged
    found = k.history(hist_access_type="search", pattern="*%s*" % word, n=10)
    assert [row[2] for row in found] == [first, second, first], found
    found = k.history(hist_access_type="search", pattern="*%s ?" % word, n=2)
    assert [row[2] for row in found] == [second, first], found
    found = k.history(hist_access_type="search", pattern="*%s*" % word, n=10, unique=True)
    assert sorted(row[2] for row in found) == [first, second], found
    assert k.history(hist_access_type="search", pattern="*%s*" % uuid.uuid4().hex, n=5) == []


@check(python3="IPython stores outputs only where it is told to")
def history_outputs(k, t):
    """The history has what a cell's last expression was."""
    k.ok(t["value"])
    assert k.history(n=1, output=True)[0][2] == [t["value"], "6"]
    k.ok(t["hello"])
    assert k.history(n=1, output=True)[0][2] == [t["hello"], None]


@check()
def comms(k, t):
    """No comms are open; one to an unknown target is closed at once."""
    assert k.call("comm_info_request", {})["comms"] == {}
    assert k.call("comm_info_request", {"target_name": "nosuch"})["comms"] == {}
    name = uuid.uuid4().hex
    r = k.send("comm_open", {"comm_id": name, "target_name": "nosuch", "data": {}})
    k.wait(lambda: "idle" in r.states, "idle")
    assert [c["comm_id"] for c in r.of("comm_close")] == [name], r
    assert k.call("comm_info_request", {})["comms"] == {}


@check()
def states(k, t):
    """Every request is busy first and idle last, and everything between belongs to it."""
    for kind, content in (
        ("kernel_info_request", {}), ("history_request", {"hist_access_type": "tail", "n": 1, "output": False, "raw": True}),
        ("complete_request", {"code": "x", "cursor_pos": 1}), ("inspect_request", {"code": "x", "cursor_pos": 1, "detail_level": 0}),
        ("is_complete_request", {"code": "x"}), ("comm_info_request", {}),
    ):
        r = k.send(kind, content)
        k.finish(r)
        assert r.states == ["busy", "idle"] and r.reply["msg_type"] == kind.replace("request", "reply"), r
    r = k.ok(t["hello"])
    kinds = [m["msg_type"] for m in r.messages]
    assert r.states == ["busy", "idle"] and kinds[0] == "status" and kinds[1] == "execute_input" and kinds[-1] == "status", kinds
    for m in r.messages + [r.reply]:
        assert m["parent_header"]["msg_id"] == r.id and m["header"]["version"].startswith("5."), m
        assert m["header"]["session"] and m["header"]["username"] is not None and m["header"]["date"], m


@check()
def unknown_request(k, t):
    """A request of an unknown kind does no harm."""
    k.send("nosuch_request", {})
    k.send("nosuch", {"x": 1})
    k.call("kernel_info_request", {})
    k.ok(t["value"])


@check()
def missing_fields(k, t):
    """Requests without their optional fields get the protocol's defaults."""
    r = k.send("execute_request", {"code": t["value"]})
    k.finish(r)
    assert r.status == "ok" and r.value == "6" and r.of("execute_input"), r
    assert k.call("kernel_info_request", {})["status"] == "ok"


@check()
def wrong_signature(k, t):
    """A message signed with another key is not answered, and nothing else suffers."""
    other = Front(k.manager)
    try:
        other.client.session.key = b"not the key"
        r = other.send("execute_request", {"code": t["bind"].replace("kept", "smuggled"), "silent": False})
        k.sleep(0.3)
        assert r.reply is None and not r.messages
        assert k.run("smuggled").status == "error"
    finally:
        other.close()
