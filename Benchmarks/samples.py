"""What was measured, on its way to the report."""

import statistics


class Samples:
    """Every value of every figure; what is reported is the median."""

    def __init__(self):
        self.values, self.units, self.details = {}, {}, {}
        # Single values by name, for a picture of how they are spread.
        self.spreads = {}

    def add(self, name, value, unit, detail=""):
        """Takes one value; the detail that was given last stays."""
        self.values.setdefault(name, []).append(value)
        self.units[name] = unit
        self.details[name] = detail
        tell(f"  {name} = {rounded(value)} {unit}")

    def spread(self, name, values):
        """Takes the single values behind a figure."""
        self.spreads.setdefault(name, []).extend(values)

    def figures(self):
        """The medians, each with the spread of its values."""
        figures = []
        for name, values in self.values.items():
            detail = self.details[name]
            if len(values) > 1:
                detail += f"{'; ' if detail else ''}{rounded(min(values))} to {rounded(max(values))}"
                detail += f" in {len(values)} runs"
            figures.append({"name": name, "value": rounded(statistics.median(values)),
                            "unit": self.units[name], "detail": detail})
        return figures


def rounded(value):
    """Three or four digits that mean something."""
    if abs(value) >= 100:
        return int(round(value, -2)) if abs(value) >= 10_000 else round(value)
    return round(value, 2) if abs(value) >= 1 else round(value, 4)


def tell(text):
    """Says how it goes, at once."""
    print(text, flush=True)
