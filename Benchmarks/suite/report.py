"""The table at the end."""
import time

GREEN, RED, BOLD, PLAIN = "\033[32m", "\033[31m", "\033[1m", "\033[0m"


class Report:
    def __init__(self):
        self.rows = []
        self.began = time.monotonic()

    def add(self, what, figure, limit="", ratio=None, goal=None, met=None):
        """`goal` is text such as `≥ 0.3`; `met` tells whether the figure reaches it."""
        self.rows.append((what, figure, limit, "" if ratio is None else f"{ratio:.2f}", goal or "", met))
        print(f"  {what}: {figure}" + (f", {ratio:.2f} of {limit}" if ratio is not None else ""), flush=True)

    def rate(self, what, rate, limit, limit_name, goal=None):
        """A rate as a share of a limit measured in the same run; the goal is the smallest share."""
        share = rate / limit
        self.add(what, f"{rate:,.0f}/s", f"{limit:,.0f}/s {limit_name}", share, goal and f"≥ {goal}", goal and share >= goal)

    def ratio(self, what, figure, other, other_name, goal, scale=1e6, unit="µs"):
        """A cost as a multiple of another one of the same run; the goal is the largest multiple."""
        self.add(what, f"{figure * scale:,.0f} {unit}", f"{other * scale:,.0f} {unit} {other_name}", figure / other, f"≤ {goal}",
                 figure <= goal * other)

    def at_most(self, what, figure, unit, goal=None, note=""):
        self.add(what, f"{figure:.2f} {unit}" if figure < 10 else f"{figure:.0f} {unit}", note, None,
                 goal and f"≤ {goal} {unit}", goal and figure <= goal)

    def print(self):
        heads = ("", "figure", "limit in this run", "ratio", "goal", "")
        table = [(*row[:5], "" if row[5] is None else "met" if row[5] else "NOT MET") for row in self.rows]
        widths = [max(len(row[i]) for row in [heads, *table]) for i in range(6)]
        print(f"\n{BOLD}" + "  ".join(head.ljust(width) for head, width in zip(heads, widths)) + PLAIN)
        for row in table:
            cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:5], widths[1:5])]
            colour = {"met": GREEN, "NOT MET": RED}.get(row[5], "")
            print("  ".join(cells) + f"  {colour}{row[5]}{PLAIN if colour else ''}")
        print(f"\nOnly ratios can be compared with other runs and machines. {time.monotonic() - self.began:.0f} s in all.")
