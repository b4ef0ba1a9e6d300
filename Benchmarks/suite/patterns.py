"""What an event costs that a thousand patterns are matched against, beside one pattern."""
import subprocess

GOAL = 3


def run(server, machine, report):
    print("Patterns")
    build = subprocess.run(
        ["swift", "build", "-c", "release", "--product", "pattern-benchmark"], cwd=machine.root, capture_output=True, text=True)
    if build.returncode:
        raise SystemExit(build.stdout + build.stderr)
    lines = subprocess.check_output([f"{machine.root}/.build/release/pattern-benchmark"], text=True).splitlines()
    for line in lines[1:]:
        name, one, thousand, _ = line.split("\t")
        report.ratio(f"a thousand patterns, {name}", int(thousand), int(one), "one pattern", GOAL, scale=1, unit="ns")
