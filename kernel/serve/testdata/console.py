"""Type into jupyter console, line by line: with its simple prompt and with its own editor."""

import os
import sys

import pexpect

LIMIT = 60


def start(*args):
    env = {**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "PAGER": "cat"}
    return pexpect.spawn(
        sys.executable, ["-m", "jupyter_console", "--kernel", "odslab", *args],
        env=env, encoding="utf-8", timeout=LIMIT, dimensions=(40, 120), echo=False,
    )


def finish(console):
    for _ in range(LIMIT):  # one that comes before the editor listens is lost
        console.sendeof()
        if console.expect(["want to exit", pexpect.TIMEOUT], timeout=1) == 0:
            break
    console.send("y\r")
    console.expect(pexpect.EOF)
    console.close()


def simple():
    console = start("--simple-prompt")
    console.expect(r"odslab")  # the banner
    console.expect(r"In \[1\]: ")

    def say(text, *answers, prompt):
        console.sendline(text)
        for a in answers:
            console.expect(a)
        console.expect(r"In \[%d\]: " % prompt)

    say("x := 41", prompt=2)
    say("x + 1", r"Out\[2\]: *\r?\n?42", prompt=3)
    say('fmt.Println("é", x); fmt.Fprintln(os.Stderr, "to stderr")', "é 41", prompt=4)
    say("y := nosuch", "undefined: nosuch", prompt=5)
    say("[]int{}[x]", "index out of range", prompt=6)
    say('gonbui.DisplayHTML("<b>no pictures here</b>")', prompt=7)
    # A question of the cell comes to the terminal.
    console.sendline('var name string; fmt.Print("who? "); fmt.Scan(&name); fmt.Println("hello", name)')
    console.expect(r"who\? ")
    console.sendline("Ada")
    console.expect("hello Ada")
    console.expect(r"In \[8\]: ")
    say("%help", "writefile", prompt=9)
    # Ctrl-C stops the cell, not the console.
    console.sendline('fmt.Println("going on"); for {}')
    console.expect("going on\r?\n")
    console.sendintr()
    console.expect("interrupted")
    console.expect(r"In \[10\]: ")
    say("x", r"Out\[10\]: *\r?\n?41", prompt=11)
    finish(console)
    print("simple prompt: as expected")


def editor():
    console = start()
    console.expect(r"In \[.*1.*\]:")

    def line(text, then):
        console.send(text + "\r")
        console.expect(then)

    # The kernel says that these lines are not all, and with what to indent the next.
    line("func twice(n int) int {", r"\.\.\.: ")
    line("return 2 * n", r"\.\.\.: ")
    console.send("\x7f")  # back out of the indent
    line("}", r"In \[.*2.*\]:")
    line("twice(21)", r"42")
    console.expect(r"In \[.*3.*\]:")
    line("s := `one", r"\.\.\.: ")
    line("two`", r"In \[.*4.*\]:")
    line("len(s)", "7")
    console.expect(r"In \[.*5.*\]:")
    finish(console)
    print("editor: as expected")


simple()
editor()
