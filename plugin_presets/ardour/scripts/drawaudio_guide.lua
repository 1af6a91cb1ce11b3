ardour {
  ["type"] = "dsp",
  name = "Draw an Audio Guide",
  category = "Utility",
  license = "AGPL-3.0-or-later",
  author = "Draw an Audio",
  description = [[Passes sound through unchanged. Its one parameter, Loudness, is the lane to draw on: 0 dB is the reference level, the bottom silence.]],
}

function dsp_ioconfig ()
  return { { audio_in = -1, audio_out = -1 } }
end

function dsp_params ()
  return { { ["type"] = "input", name = "Loudness", min = -60, max = 12, default = 0, unit = "dB" } }
end

function dsp_run (ins, outs, n_samples)
  for channel = 1, #outs do
    if ins[channel] ~= outs[channel] then ARDOUR.DSP.copy_vector (outs[channel], ins[channel], n_samples) end
  end
end
