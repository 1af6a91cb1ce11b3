// Draw an Audio for Bitwig Studio 5 and 6. Talks OSC with `drawaudio serve`; its buttons are in the controller's panel.
// Bitwig's API reads no automation points: the lane is recorded while the passage plays, and sent as a capture.

loadAPI(17);
host.defineController("Draw an Audio", "Draw an Audio", "1.0", "6d2c1f7e-8a54-4d6b-9c37-0f5a7be1d042", "Draw an Audio");
host.defineMidiPorts(0, 0);

var PORT = 7890;
var MARKERS = 64;
var SLOTS = 32;
var SECONDS_A_MINUTE = 60;
var RATE = 48000;
// Beats between the loop's edge and the first or last moment heard of it, and between two moments played one after the other.
var NEAR = 0.5;
var LEAP = 2;

var state = {
  server: null, token: "", requests: {}, count: 0, last: null, capture: null, heard: null, filled: [],
  playing: false, beats: 0, tempo: 120, loopStart: 0, loopLength: 0, track: "", level: "-inf",
  markers: [], slots: null,
};

/** dB of Bitwig's words for a volume ("-12.3 dB", "-Inf dB"); silence far below every lane's bottom. */
function levelDb(text) {
  if (/inf/i.test(text)) return -150;
  var found = /-?\d+(?:[.,]\d+)?/.exec(text);
  return found ? parseFloat(found[0].replace(",", ".")) : -150;
}

function seconds(beats) { return beats * SECONDS_A_MINUTE / state.tempo; }
function say(text) { host.showPopupNotification("Draw an Audio: " + text); }
function newId() { state.count += 1; return "bitwig-" + Date.now() + "-" + state.count; }

/** The running service's token and port, from its file; the preference where scripts may read no files. */
function findService() {
  try {
    var Paths = Java.type("java.nio.file.Paths"), Files = Java.type("java.nio.file.Files"), System = Java.type("java.lang.System");
    var home = System.getenv("DRAWAUDIO_HOME") || System.getProperty("user.home") + "/.drawaudio";
    var text = new (Java.type("java.lang.String"))(Files.readAllBytes(Paths.get(home, "service.json")), "UTF-8");
    return JSON.parse(String(text));
  } catch (error) {
    return state.typedToken ? { token: state.typedToken, port: PORT } : null;
  }
}

/** Bitwig lets a script open connections only while it starts. */
function connect() {
  var service = findService();
  state.port = service ? service.port : PORT;
  state.server = host.getOscModule().connectToUdpServer("127.0.0.1", state.port, state.space);
}

/** The connection, and what the running service says of itself; null where none runs. */
function connection() {
  var service = findService();
  if (!service) return null;
  if (service.port !== state.port) {
    if (!state.restarting) say("the service is on another port now: press again");
    state.restarting = true;
    host.restart();
    return null;
  }
  state.token = service.token;
  state.session = service.session_id;
  return state.server;
}

/** Send where a service runs. Without one a song plays on without a word: it need not be heard. */
function stream(verb, ...values) {
  var server = connection();
  if (!server) return false;
  try {
    server.sendMessage("/drawaudio/" + verb, state.token, ...values);
    return true;
  } catch (error) {  // nobody listens on that port any more
    return false;
  }
}

/** Send what a button asks for. */
function send(verb, ...values) {
  var sent = stream(verb, ...values);
  if (!sent && !state.restarting) say("start `drawaudio serve` first");
  return sent;
}

/** Locators inside the loop, in time order: { beats, name }. One that ends a pair, "TRACK: prompt<", asks for nothing. */
function locators() {
  var end = state.loopStart + state.loopLength;
  return state.markers.filter(function (marker) {
    return marker.exists && !/<\s*$/.test(marker.name) && marker.beats >= state.loopStart - 1e-6 && marker.beats < end;
  }).sort(function (a, b) { return a.beats - b.beats; });
}

function cue() {
  var inside = locators();
  var made = {
    version: 1, track: state.track, marker: inside.length ? inside[0].name : state.track,
    markers: inside.slice(1).map(function (marker) { return { time_s: seconds(marker.beats - state.loopStart), text: marker.name }; }),
    start: { samples: Math.round(seconds(state.loopStart) * RATE), rate: RATE },
    duration_s: seconds(state.loopLength),
  };
  made.loudness = state.heard && isHere(state.heard) ? { curve: state.heard.id }
    : { domain: "db", follow: "loose", points: [{ time_s: 0, value: 0 }] };
  return made;
}

/** Ask for the last take again, or for a part of it (seconds). */
function regenerate(part) {
  if (!state.last) return say("there is no take yet: use Generate first");
  // In another session the take's id names another sound.
  if (connection() && state.last.session !== state.session) return say("that take is of another session: use Generate");
  var id = newId();
  if (send("take/regenerate", id, state.last.take, ...part)) state.requests[id] = true;
}

var verbs = {
  Generate: function () {
    if (state.loopLength <= 0) return say("put the arranger's loop around the span that shall sound");
    var id = newId();
    if (send("cue/submit", id, JSON.stringify(cue()))) state.requests[id] = true;
  },
  Regenerate: function () { regenerate([]); },
  "Regenerate selection": function () {
    var from = state.last ? seconds(state.loopStart) - state.last.start : 0;
    regenerate([from, from + seconds(state.loopLength)]);
  },
  "Next take": function () { send("take/next", newId()); },
  Keep: function () { send("take/keep", newId()); },
  Cancel: function () {
    var open = Object.keys(state.requests);
    if (!open.length) return say("nothing is being made: there is nothing to cancel");
    open.forEach(function (id) { send("job/cancel", newId(), id); });
    state.requests = {};
  },
};

/** Whether a recording is of the track and the loop that are chosen now. */
function isHere(capture) {
  return capture.track === state.track && capture.start === state.loopStart && capture.length === state.loopLength;
}

/** Record the selected track's volume over the loop, from its start to its end; a loop that goes round is whole every time. */
function record(beats) {
  var end = state.loopStart + state.loopLength, capture = state.capture;
  var inside = state.playing && state.loopLength > 0 && beats >= state.loopStart && beats < end;
  if (capture && !(isHere(capture) && inside && beats >= capture.at && beats <= capture.at + LEAP)) {
    state.capture = null;
    if (isHere(capture) && capture.at >= end - NEAR && stream("capture/end", capture.id)) state.heard = capture;
  }
  if (!inside) return;
  if (!state.capture && beats <= state.loopStart + NEAR) {
    capture = { id: newId(), at: beats, track: state.track, start: state.loopStart, length: state.loopLength };
    if (stream("capture/begin", capture.id, "db")) state.capture = capture;
  }
  if (!state.capture) return;
  state.capture.at = beats;
  stream("capture/value", levelDb(state.level), seconds(beats - state.loopStart));
}

/** Bitwig's API cannot put a file into the arranger: the take goes into the first free launcher slot of its track. */
function place(path) {
  for (var index = 0; index < SLOTS; index++) {
    if (!state.filled[index]) {
      // Bitwig tells of the clip only later: a second take must not replace it.
      state.filled[index] = true;
      state.slots.getItemAt(index).replaceInsertionPoint().insertFile(path);
      return true;
    }
  }
  return false;
}

function onTake(message) {
  var request = message.getString(0), path = message.getString(3);
  if (!state.requests[request]) return;
  state.last = { take: message.getString(2), start: message.getDouble(4) / message.getInt(5), session: state.session };
  say(place(path) ? "a take is in the launcher; drag it onto a track without the lane" : "no free launcher slot: " + path);
}

function listen() {
  var module = host.getOscModule();
  state.space = module.createAddressSpace();
  state.space.registerMethod("/drawaudio/take/ready", "*", "take ready", function (source, message) { onTake(message); });
  state.space.registerMethod("/drawaudio/job/done", "*", "job done", function (source, message) {
    if (!state.requests[message.getString(0)]) return;
    delete state.requests[message.getString(0)];
    if (message.getString(2) === "failed") say(message.getString(3));
  });
  state.space.registerMethod("/drawaudio/error", "*", "error", function (source, message) {
    delete state.requests[message.getString(0)];
    state.capture = null;  // a service that was started anew knows of none; the next round begins one
    say(message.getString(2));
  });
  // Progress is not shown: a popup for every tenth of a second would not be quiet.
  state.space.registerDefaultMethod(function () {});
}

function init() {
  listen();
  connect();
  var token = host.getPreferences().getStringSetting("Token (only where the script may read no files)", "Service", 64, "");
  token.addValueObserver(function (value) { state.typedToken = value; });

  var transport = host.createTransport();
  transport.isPlaying().addValueObserver(function (on) { state.playing = on; });
  transport.tempo().value().addRawValueObserver(function (value) { state.tempo = value; });
  transport.arrangerLoopStart().addValueObserver(function (beats) { state.loopStart = beats; });
  transport.arrangerLoopDuration().addValueObserver(function (beats) { state.loopLength = beats; });
  transport.playPosition().addValueObserver(function (beats) { record(beats); });

  var track = host.createCursorTrack("drawaudio", "Draw an Audio", 0, SLOTS, true);
  track.name().addValueObserver(function (name) { state.track = name; });
  track.volume().displayedValue().addValueObserver(function (text) { state.level = text; });
  state.slots = track.clipLauncherSlotBank();
  for (var slot = 0; slot < SLOTS; slot++) watchSlot(slot);

  var bank = host.createArranger().createCueMarkerBank(MARKERS);
  for (var index = 0; index < MARKERS; index++) watchMarker(bank.getItemAt(index));

  var document = host.getDocumentState();
  Object.keys(verbs).forEach(function (name) {
    document.getSignalSetting(name, "Draw an Audio", name).addSignalObserver(verbs[name]);
  });
}

function watchSlot(index) {
  state.slots.getItemAt(index).hasContent().addValueObserver(function (filled) { state.filled[index] = filled; });
}

function watchMarker(item) {
  var marker = { exists: false, beats: 0, name: "" };
  state.markers.push(marker);
  item.exists().addValueObserver(function (exists) { marker.exists = exists; });
  item.getName().addValueObserver(function (name) { marker.name = name; });
  item.position().addValueObserver(function (beats) { marker.beats = beats; });
}

function flush() {}
function exit() {}
