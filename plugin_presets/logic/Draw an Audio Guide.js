// Draw an Audio for Logic Pro: a Scripter (MIDI FX) on an External Instrument track whose destination is the port "Draw an Audio".
// Draw the automation of its one parameter, Loudness. While Logic plays, the lane leaves as 14-bit CC 11 (and 43), thinned to
// what changed; with MTC to the same port the service makes it the curve of the span that was played.

var PluginParameters = [{ name: "Loudness", type: "lin", minValue: -60, maxValue: 0, defaultValue: 0, numberOfSteps: 600, unit: "dB" }];
var NeedsTimingInfo = true;

var COARSE = 11;
var FINE = 43;
var TOP = 16383;
var BOTTOM_DB = -60;
var last = -1;

// The service reads a controller as gain (v/127) squared, so its top is 0 dB.
function controllerOf(db) {
  if (db <= BOTTOM_DB) return 0;
  return Math.round(Math.pow(10, db / 40) * TOP);
}

function controlChange(number, value) {
  var message = new ControlChange();
  message.number = number;
  message.value = value;
  message.send();
}

function ProcessMIDI() {
  var info = GetTimingInfo();
  var value = controllerOf(GetParameter("Loudness"));
  // Every time it plays, the lane's first value leaves anew: whoever listens may have come since.
  if (!info.playing) last = -1;
  if (!info.playing || value === last) return;
  last = value;
  controlChange(COARSE, value >> 7);
  controlChange(FINE, value & 127);
}

function HandleMIDI(event) {
  event.send();
}

function Reset() {
  last = -1;
}
