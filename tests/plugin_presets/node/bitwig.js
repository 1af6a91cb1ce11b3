// What Bitwig offers a controller script, as far as the published API's names go; anything else is not there and throws.
const SERVICE = { token: "t", port: 7890 };
let service = SERVICE, starting = false, restarts = 0, unreachable = false;
// Bitwig lets a script open connections only inside its init.
const start = () => { starting = true; init(); starting = false; };
const sent = [], inserted = [], popups = [], handlers = {}, signals = {}, setters = { markers: [], slots: [] };
const watch = (name) => ({ addValueObserver: (f) => { setters[name] = f; }, markInterested() {} });
const report = (value) => process.stdout.write(JSON.stringify(value));

const Java = {
  type: (name) => ({
    "java.nio.file.Paths": { get: (...parts) => parts.join("/") },
    "java.nio.file.Files": { readAllBytes() { if (!service) throw new Error("NoSuchFile"); return JSON.stringify(service); } },
    "java.lang.System": { getenv: () => null, getProperty: () => "/home/u" },
    "java.lang.String": function (bytes) { return Object(bytes); },
  })[name],
};
const slot = (index) => ({
  // Bitwig tells what a slot holds at once, and of changes when it gets round to them.
  hasContent: () => ({ addValueObserver: (f) => { setters.slots[index] = f; f(index === 0); } }),
  replaceInsertionPoint: () => ({ insertFile: (path) => inserted.push(`${index}:${path}`) }),
});
const marker = (index) => {
  const own = (setters.markers[index] = {});
  return {
    exists: () => ({ addValueObserver: (f) => { own.exists = f; } }),
    getName: () => ({ addValueObserver: (f) => { own.name = f; } }),
    position: () => ({ addValueObserver: (f) => { own.position = f; } }),
  };
};
const host = {
  defineController() {}, defineMidiPorts() {}, showPopupNotification: (text) => popups.push(text),
  getPreferences: () => ({ getStringSetting: () => ({ addValueObserver() {} }) }),
  getDocumentState: () => ({ getSignalSetting: (name) => ({ addSignalObserver: (f) => { signals[name] = f; } }) }),
  getOscModule: () => ({
    createAddressSpace: () => ({
      registerMethod: (address, types, text, f) => { handlers[address] = f; }, registerDefaultMethod() {},
    }),
    connectToUdpServer: (address, port) => {
      if (!starting) throw new Error("OSC connections can only be made during init");
      return { sendMessage: (...message) => { if (unreachable) throw new Error("refused"); sent.push(message); } };
    },
  }),
  restart: () => { restarts += 1; },
  createTransport: () => ({
    isPlaying: () => watch("playing"), tempo: () => ({ value: () => ({ addRawValueObserver: (f) => { setters.tempo = f; } }) }),
    arrangerLoopStart: () => watch("loopStart"), arrangerLoopDuration: () => watch("loopDuration"), playPosition: () => watch("position"),
  }),
  createCursorTrack: () => ({
    name: () => watch("track"), volume: () => ({ displayedValue: () => watch("level") }),
    clipLauncherSlotBank: () => ({ getItemAt: slot }),
  }),
  createArranger: () => ({ createCueMarkerBank: () => ({ getItemAt: marker }) }),
};
function loadAPI() {}
const observers = new Proxy({
  marker(index, exists, beats, name) {
    setters.markers[index].exists(exists); setters.markers[index].position(beats); setters.markers[index].name(name);
  },
  slot: (index, filled) => setters.slots[index](filled),
  press: (name) => signals[name](),
  receive: (address, values) => handlers[address](null, {
    getString: (k) => values[k], getDouble: (k) => values[k], getInt: (k) => values[k],
  }),
}, { get: (own, name) => own[name] || ((value) => setters[name](value)) });
