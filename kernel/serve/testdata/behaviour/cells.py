"""What cells show, how they fail, and what lives on."""

import os
import re
import tempfile

from checks import check


def plain(lines):
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))


@check()
def streams(k, t):
    """stdout and stderr come as streams, any Unicode whole, nothing else with them."""
    r = k.ok(t["hello"])
    assert r.stdout == "hello, world\n" and set(r.types) == {"stream"}, r
    r = k.ok(t["stderr"])
    assert r.stderr == "oops\n" and r.stdout == "", r
    assert k.ok(t["unicode"]).stdout == "日本 é 🎉\n"


@check()
def streams_while_running(k, t):
    """Output is shown when it is printed, not when the cell ends."""
    r = k.begin(t["chatty"])
    k.wait(lambda: "part 1" in r.stdout, "the second part")
    assert "part 3" not in r.stdout and r.reply is None, r
    k.finish(r)
    assert r.stdout == "part 0\npart 1\npart 2\npart 3\n", r


@check()
def flood(k, t):
    """Many small prints arrive whole, in order, in a bearable number of messages."""
    r = k.ok(t["flood"])
    lines = r.stdout.splitlines()
    assert len(lines) == 20000 and lines[-1] == t["flood_last"] and len(r.messages) < 400, (len(lines), len(r.messages))


@check()
def big_display(k, t):
    """Five megabytes in one display arrive."""
    assert len(k.ok(t["big_shown"]).of("display_data")[0]["data"]["text/html"]) == (5 << 20) + 7


@check()
def result(k, t):
    """The last expression is an execute_result with the cell's number; an empty cell is nothing."""
    r = k.ok(t["value"])
    c = r.of("execute_result")
    assert r.types == ["execute_result"] and c[0]["data"]["text/plain"] == "6" and c[0]["metadata"] == {}, r
    assert c[0]["execution_count"] == r.reply["content"]["execution_count"], r
    r = k.ok(" \n ")
    assert r.types == [] and r.states[-1] == "idle", r


@check()
def values_live(k, t):
    """Names live on, are bound again with another type, and functions are known to later cells."""
    k.ok(t["bind"])
    assert k.ok(t["use"]).value == "42"
    k.ok(t["rebind"])
    assert k.ok(t["reuse"]).value == "4"
    assert k.run(t["use"]).status == "error"
    k.ok(t["function"])
    assert k.ok(t["late"]).value == "42"
    assert k.ok(t["both"]).value == "4"


@check()
def made_once(k, t):
    """A kept value is not made by running its source again: a counter beside it stands at one."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "ticks")
        k.ok(t["tick"])
        k.ok(t["tick_once"].format(file))
        for _ in range(2):
            assert k.ok(t["tick_use"]).value == t["tick_value"]
        with open(file) as f:
            assert f.read() == "x"


@check()
def error(k, t):
    """A failing cell: one error message, the same in the reply, that names the line; what was set before stays."""
    r = k.run(t["failing"])
    c, reply = r.of("error"), r.reply["content"]
    assert r.status == "error" and r.stdout == "before\n" and r.types.count("error") == 1, r
    for key in ("ename", "evalue", "traceback"):
        assert c[0][key] == reply[key], r
    assert reply["ename"] == t["failing_name"] and t["failing_text"] in reply["evalue"], r
    trace = plain(reply["traceback"])
    number = reply["execution_count"]
    assert t["failing_name"] in trace and t["failing_line"] in trace and t["failing_place"] % number in trace.replace("Cell In", "In"), trace
    assert reply["user_expressions"] == {} and isinstance(reply["payload"], list), r
    assert k.ok(t["after_failing"]).value == "5"


@check()
def error_of_a_name(k, t):
    """A name that is not there, and a syntax error, are one error that says so."""
    r = k.run(t["missing"])
    assert r.types == ["error"] and r.reply["content"]["ename"] == t["missing_name"] and t["missing_text"] in r.reply["content"]["evalue"], r
    r = k.run(t["syntax"])
    assert r.types == ["error"] and r.reply["content"]["ename"] == t["syntax_name"], r


@check(python3="Python has no types to check before a cell runs")
def type_error_before_the_run(k, t):
    """A type error is found before anything runs, at the cell's own line and column."""
    r = k.run(t["wrong"])
    reply = r.reply["content"]
    assert r.types == ["error"] and r.stdout == "" and reply["evalue"].startswith(t["wrong_place"] % reply["execution_count"]), r
    assert t["wrong_line"] in plain(reply["traceback"]), r


@check()
def order(k, t):
    """Prints and displays come in the order in which the cell made them."""
    r = k.ok(t["ordered"])
    seen = []
    for m in r.messages:
        c = m["content"]
        if m["msg_type"] in ("stream", "display_data") and c.get("name") != "stderr":  # a note of the kernel
            seen += (c["text"] if "text" in c else c["data"]["text/plain"]).strip().split("\n")
    assert seen == [s % i for i in range(5) for s in ("text %d", "rich %d")] + ["end"], seen


@check()
def display(k, t):
    """display_data, an update in the same cell, and one from a later cell; no JavaScript is needed for any of it."""
    r = k.ok(t["html"])
    c = r.of("display_data")
    assert len(c) == 1 and c[0]["data"]["text/html"] == "<b>bold</b>" and "transient" in c[0] and "metadata" in c[0], r
    r = k.ok(t["show"])
    assert r.types == ["display_data", "update_display_data"], r
    name = r.of("display_data")[0]["transient"]["display_id"]
    assert name and r.of("update_display_data")[0]["transient"]["display_id"] == name, r
    later = k.ok(t["update"])
    c = later.of("update_display_data")
    assert later.types == ["update_display_data"] and c[0]["transient"]["display_id"] == name and c[0]["data"]["text/html"] == "<i>three</i>", later
    for x in (r, later):
        assert not any("javascript" in mime for m in x.messages for mime in m["content"].get("data", {})), x


@check()
def clear_output(k, t):
    """clear_output, at once and with the next output."""
    assert k.ok(t["clear"]).of("clear_output") == [{"wait": False}]
    assert k.ok(t["clear_wait"]).of("clear_output") == [{"wait": True}]


@check()
def pager(k, t):
    """Help goes to the front end's pager, in the payload, and not into the output."""
    for code, text in ((t["page"], t["page_text"]), (t["page_about"], t["page_about_text"])):
        r = k.ok(code)
        pages = [p for p in r.reply["content"]["payload"] if p["source"] == "page"]
        assert r.types == [] and len(pages) == 1 and text in pages[0]["data"]["text/plain"] and pages[0]["start"] == 0, r


@check()
def magics(k, t):
    """Shell commands, files and the environment."""
    assert k.ok(t["shell"]).stdout.replace("\r\n", "\n") == "from the shell\n"
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "f")
        k.ok(t["write_file"].format(file))
        with open(file) as f:
            assert f.read().strip() == "written"
    k.ok(t["env"])
    assert t["env_value"] in k.ok(t["env_read"]).value


@check()
def magic_unknown(k, t):
    """A magic that does not exist fails the cell."""
    r = k.run(t["magic_unknown"])
    assert r.status == "error" and "%nosuchmagic" in str(r), r


@check(python3="IPython calls a failing !command success and keeps its status in _exit_code")
def shell_fails(k, t):
    """A shell command that fails fails the cell, once."""
    r = k.run(t["shell_fails"])
    assert r.types == ["error"] and "exit status 3" in r.reply["content"]["evalue"], r


@check()
def counts(k, t):
    """execution_count goes up for what is stored, and for nothing else."""
    n = k.ok(t["value"]).reply["content"]["execution_count"]
    r = k.ok(t["hello"])
    assert r.reply["content"]["execution_count"] == n + 1 and r.of("execute_input") == [{"code": t["hello"], "execution_count": n + 1}], r
    r = k.ok(t["hello"], store=False)
    assert r.stdout == "hello, world\n", r
    r = k.ok(t["bind"], silent=True)
    assert r.types == [] and r.of("execute_input") == [] and r.states == ["busy", "idle"], r
    k.ok("")
    assert k.run(t["fail"]).reply["content"]["execution_count"] == n + 2
    assert k.ok(t["value"]).reply["content"]["execution_count"] == n + 3


@check(python3="ipykernel shows the streams and the error of a silent cell")
def silent(k, t):
    """A silent cell says nothing on iopub, and its reply how it failed."""
    assert k.ok(t["hello"], silent=True).types == []
    assert k.ok(t["html"], silent=True).types == []
    r = k.run(t["fail"], silent=True)
    assert r.types == [] and r.status == "error" and r.reply["content"]["ename"], r


@check()
def user_expressions(k, t):
    """Each expression has its own bundle or error, is quiet, and is left out when the cell fails."""
    k.ok(t["bind"])
    r = k.ok(t["hello"], expressions={"good": t["use"], "bad": t["missing"]})
    got = r.reply["content"]["user_expressions"]
    assert got["good"]["status"] == "ok" and got["good"]["data"]["text/plain"] == "42" and "metadata" in got["good"], r
    assert got["bad"]["status"] == "error" and got["bad"]["ename"] == t["missing_name"] and got["bad"]["traceback"], r
    assert set(r.types) == {"stream"} and r.stdout == "hello, world\n", r
    r = k.run(t["fail"], expressions={"good": t["use"]})
    assert r.status == "error" and r.reply["content"]["user_expressions"] == {}, r
