# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs insitu-unpack in a pseudo-terminal of several widths and looks at what a terminal would show."""
import concurrent.futures, fcntl, os, pty, re, signal, struct, subprocess, sys, termios, time

TOTAL = 64 << 20
STEPS = 16


def set_width(fd, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def run(columns, seconds, during=None, arguments=(), environment=None):
    """Unpacks TOTAL bytes to a slow reader; returns what came to stderr."""
    master, slave = pty.openpty()
    set_width(master, columns)

    def become_foreground():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    fifo = f"fifo-{os.getpid()}"
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    tool = subprocess.Popen(
        ["insitu-unpack", "image", fifo, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
        preexec_fn=become_foreground, env={**os.environ, "TERM": "xterm", **(environment or {})})
    os.close(slave)
    output = b""
    os.set_blocking(master, False)
    with open(fifo, "rb") as pipe:
        for step in range(STEPS):
            left = TOTAL // STEPS if step + 1 < STEPS else TOTAL
            while left > 0 and (got := len(pipe.read(left))):
                left -= got
            time.sleep(seconds / STEPS)
            if step == STEPS // 2 and during:
                during(tool, master)
            try:
                output += os.read(master, 1 << 20)
            except (BlockingIOError, OSError):
                pass
    tool.wait(30)
    try:
        output += os.read(master, 1 << 20)
    except (BlockingIOError, OSError):
        pass
    os.close(master)
    assert tool.returncode == 0, (tool.returncode, output)
    return output.decode()


def drawn_lines(output):
    return [part for part in re.split(r"\r?\x1b\[\d*[AJ]|\r|\n", output) if part]


def right_at_width(columns):
    """No line reaches the last column, the share is always there, or nothing."""
    output = run(columns, 1.3)
    lines = drawn_lines(output)
    if columns < 5:
        assert output == "", f"width {columns}: half a number is a wrong one: {output!r}"
        return
    assert lines, f"width {columns}: nothing was drawn"
    for line in lines:
        assert len(line) < columns, f"width {columns}: {line!r}"
        assert re.match(r" *\d+%", line), line
    if columns >= 79:
        assert re.search(r"\[#+ *\]", lines[-1]) and "MiB of 64.0 MiB" in lines[-1], lines[-1]
        assert "/s" in lines[-1], lines[-1]
        assert any("left" in line for line in lines), lines
    assert output.endswith("\x1b[J"), f"the bar was left on the terminal: {output!r}"


def narrow(tool, master):
    set_width(master, 30)


def ask(tool, master):
    tool.send_signal(signal.SIGUSR1)


def becomes_narrower(_):
    """Later lines fit, the wrapped rows are cleared."""
    output = run(100, 1.8, during=narrow)
    assert re.search(r"\x1b\[\d+A\x1b\[J", output), f"wrapped rows are not cleared: {output!r}"
    assert len(drawn_lines(output)[-1]) < 30, output


def answers_sigusr1(_):
    """One whole line, and the bar goes on."""
    output = run(100, 1.6, during=ask)
    assert len(re.findall(r"insitu-unpack: +\d+%.*/s.*\r\n", output)) == 1, repr(output)


def draws_no_bar(case):
    arguments, environment = case
    assert run(80, 1.1, arguments=arguments, environment=environment) == "", arguments


def answers_without_bar(_):
    output = run(80, 1.1, during=ask, arguments=["--progress", "never"])
    assert re.fullmatch(r"insitu-unpack: .*\r\n", output), repr(output)


# Side by side, each in a process of its own: all they do is to wait.
cases = [(right_at_width, columns) for columns in (1, 3, 10, 20, 40, 79, 200)]
cases += [(becomes_narrower, None), (answers_sigusr1, None), (answers_without_bar, None)]
cases += [(draws_no_bar, case) for case in ((["-q"], None), (["--progress", "never"], None),
                                            ([], {"TERM": "dumb"}))]
with concurrent.futures.ProcessPoolExecutor(len(cases)) as pool:
    for result in [pool.submit(function, argument) for function, argument in cases]:
        result.result()
print("pseudo-terminal: good", file=sys.stderr)
