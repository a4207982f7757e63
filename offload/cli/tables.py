"""Statistics as a person reads them: a few lines of plain text."""

from offload.bytesize import format_bytes
from offload.stats import DeviceMemoryUse, ForecastUse, PagingUse, Stats


def stats_lines(stats: Stats) -> list[str]:
    """Return the statistics of a run, one line each; what did not happen is left out."""
    speed, paging, memory = stats.speed, stats.paging, stats.memory
    cached = f", {speed.n_cached} more from the context" if speed.n_cached else ""
    lines = [
        f"prompt   {speed.n_prompt} tokens in {speed.prompt_seconds:.2f} s, {speed.prompt_tokens_per_second:.1f} "
        f"tokens/s{cached}",
        f"answer   {speed.n_generated} tokens in {speed.decode_seconds:.2f} s, {speed.tokens_per_second:.2f} tokens/s",
        f"first    token after {speed.first_token_seconds:.2f} s",
    ]
    if paging.n_layer:
        lines += [
            f"experts  {paging.n_slots} slots for {paging.n_layer * paging.n_expert} experts, "
            f"hit rate {paging.hit_rate:.1%} of {paging.hits + paging.misses}",
            f"disk     {format_bytes(paging.bytes_read)} read, stall {paging.stall_seconds:.2f} s in decode "
            f"and {paging.staging_wait_seconds:.2f} s in prefill",
        ]
        lines += tier_lines(paging)
    else:
        lines.append("experts  nothing is paged")
    if stats.forecast is not None:
        lines.append(_forecast_line(stats.forecast))
    budget = f" of {format_bytes(memory.budget_bytes)}" if memory.budget_bytes else ""
    cache = f", {format_bytes(memory.host_bytes)} for experts" if memory.host_bytes else ""
    lines.append(
        f"memory   {format_bytes(memory.resident_bytes)} now, {format_bytes(memory.peak_bytes)} at most{budget}{cache}"
    )
    return lines + device_memory_lines(memory.device)


def tier_lines(paging: PagingUse) -> list[str]:
    """Return what went from tier to tier; nothing where no compute device was used."""
    if not paging.uses_device:
        return []
    rows = f", {paging.cpu_rows} rows computed on the CPU" if paging.cpu_rows else ""
    return [
        f"device   {format_bytes(paging.bytes_uploaded)} uploaded, {format_bytes(paging.bytes_downloaded)} downloaded, "
        f"cache in RAM hit {paging.host_hit_rate:.1%} of {paging.host_hits + paging.host_misses}{rows}"
    ]


def device_memory_lines(use: DeviceMemoryUse | None) -> list[str]:
    """Return what lies in a compute device's memory; nothing where there is none."""
    if use is None:
        return []
    named = (
        ("weights", use.dense_bytes),
        ("context", use.kv_bytes),
        ("compute", use.compute_bytes),
        ("staging", use.staging_bytes),
        ("slots", use.slot_bytes),
    )
    parts = ", ".join(f"{name} {format_bytes(n_bytes)}" for name, n_bytes in named if n_bytes)
    return [f"         {format_bytes(use.total_bytes)} of {format_bytes(use.budget_bytes)} on {use.name}: {parts}"]


def _forecast_line(forecast: ForecastUse) -> str:
    n_ahead = forecast.useful_bytes + forecast.late_bytes + forecast.wasted_bytes
    recalls = [score.recall for score in forecast.scores if (score.name, score.lead) == ("blend", 1)]
    parts = [f"recall {recalls[0]:.1%} a layer ahead"] if recalls else []
    if n_ahead:
        useful = (forecast.useful_bytes + forecast.late_bytes) / n_ahead
        parts.append(f"{format_bytes(n_ahead)} read ahead, {useful:.0%} of it wanted")
    if forecast.gain is not None:
        parts.append(f"tokens {forecast.gain:.2f}x as fast")
    if not forecast.is_paying:
        parts.append("so forecasts are off")
    note = f" ({forecast.note})" if forecast.note else ""
    return f"forecast {', '.join(parts) or 'nothing yet'}{note}"
