// Draw an Audio for Cubase and Nuendo 13 and later: a MIDI Remote script (ES5).
// Cubase shows scripts no lanes. While it plays, the selected channel's fader moves, and this script sends it as
// 14-bit CC 7 (and 39) to the port "Draw an Audio"; with MTC to the same port the service makes it the lane's curve.

var midiremoteApi = require("midiremote_api_v1");

var driver = midiremoteApi.makeDeviceDriver("Draw an Audio", "Bridge", "Draw an Audio");
var input = driver.mPorts.makeMidiInput("Draw an Audio");
var output = driver.mPorts.makeMidiOutput("Draw an Audio");
driver.makeDetectionUnit().detectPortPair(input, output).expectInputNameContains("Draw an Audio").expectOutputNameContains("Draw an Audio");

var CHANNEL = 0;
var COARSE = 7;
var FINE = 39;
var KEYS_CHANNEL = 15;
var KEYS = [[60, "Generate"], [61, "Regenerate"], [62, "Regenerate selection"], [63, "Next take"], [64, "Keep"], [65, "Cancel"]];
var TOP = 16383;

var surface = driver.mSurface;
var fader = surface.makeFader(0, 0, 1, 4);
fader.mSurfaceValue.mMidiBinding.setInputPort(input).bindToControlChange14Bit(CHANNEL, COARSE);

// The service reads a controller as gain (v/127) squared, so its top is 0 dB; louder is sent as 0 dB.
function controllerOf(text) {
  var db = parseFloat(String(text).replace(",", "."));
  if (isNaN(db)) return 0;
  return Math.round(Math.pow(10, Math.min(db, 0) / 40) * TOP);
}

// The fader's position follows Steinberg's own scale; what it shows is dB ("-oo" at the bottom).
fader.mSurfaceValue.mOnDisplayValueChange = function (context, value) {
  var whole = controllerOf(value);
  output.sendMidi(context, [0xB0 + CHANNEL, COARSE, whole >> 7]);
  output.sendMidi(context, [0xB0 + CHANNEL, FINE, whole & 127]);
};

function makeKey(index, note) {
  var button = surface.makeButton(2 + index, 0, 1, 1);
  button.mSurfaceValue.mMidiBinding.setInputPort(input).bindToNote(KEYS_CHANNEL, note);
  button.mSurfaceValue.mOnProcessValueChange = function (context, value) {
    output.sendMidi(context, [0x90 + KEYS_CHANNEL, note, value > 0 ? 127 : 0]);
  };
  return button;
}

for (var index = 0; index < KEYS.length; index++) makeKey(index, KEYS[index][0]);

var page = driver.mMapping.makePage("Draw an Audio");
page.makeValueBinding(fader.mSurfaceValue, page.mHostAccess.mTrackSelection.mMixerChannel.mValue.mVolume);
