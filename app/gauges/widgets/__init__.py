"""The gauges' widgets: each paints one reading by hand, and decides nothing."""
