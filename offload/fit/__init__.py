"""Will a model fit this machine, and how fast will it be: probes, hit-rate curves, predictions, and what runs measured.

    header, store  ──► ModelShape ──┐
    disk, cores    ──► MachineSpeed ├──► Predictor.at(share of the experts in slots) ──► Prediction
    routes, traces ──► HitCurve   ──┤
    earlier runs   ──► Calibration ─┘

`predictor.predictor_of` puts these together for one model; `card.FitCard` lays the predictions out over budgets.
Nothing here opens a model or plans memory: plans are given.
"""
