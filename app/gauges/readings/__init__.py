"""From a run's statistics to what the gauges show: frozen values and pure functions, without Qt."""
