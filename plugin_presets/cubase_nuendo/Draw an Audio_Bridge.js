// Draw an Audio for Cubase and Nuendo 13 and later: a MIDI Remote script (ES5). Cubase wants its name to be VENDOR_DEVICE.js.
// Cubase shows scripts no lanes. While it plays, the selected channel's fader moves, and this script sends it as
// 14-bit CC 7 (and 39) to the port "Draw an Audio"; with MTC to the same port the service makes it the lane's curve.
// It only sends: on Windows the port is a loop, and what came back from it would move the fader.

var midiremoteApi = require("midiremote_api_v1");

var driver = midiremoteApi.makeDeviceDriver("Draw an Audio", "Bridge", "Draw an Audio");
var output = driver.mPorts.makeMidiOutput("Draw an Audio");
driver.makeDetectionUnit().detectSingleOutput(output).expectOutputNameContains("Draw an Audio");

var CHANNEL = 0;
var COARSE = 7;
var FINE = 39;
var TOP = 16383;

var fader = driver.mSurface.makeFader(0, 0, 1, 4);

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

var page = driver.mMapping.makePage("Draw an Audio");
page.makeValueBinding(fader.mSurfaceValue, page.mHostAccess.mTrackSelection.mMixerChannel.mValue.mVolume);
