// What Cubase's MIDI Remote API offers, as far as this script's names go.
const midi = [], bound = [], buttons = [];
let detected = 0;
const report = (value) => process.stdout.write(JSON.stringify(value));
const element = () => ({
  mSurfaceValue: { mMidiBinding: { setInputPort: () => ({ bindToControlChange14Bit() {}, bindToNote() {} }) } },
});
const unit = {
  detectPortPair: () => unit,
  expectInputNameContains() { detected += 1; return unit; },
  expectOutputNameContains() { detected += 1; return unit; },
};
require = () => ({
  makeDeviceDriver: () => ({
    mPorts: { makeMidiInput: () => ({}), makeMidiOutput: () => ({ sendMidi: (context, bytes) => midi.push(bytes) }) },
    makeDetectionUnit: () => unit,
    mSurface: { makeFader: element, makeButton: () => { const made = element(); buttons.push(made); return made; } },
    mMapping: {
      makePage: () => ({
        mHostAccess: { mTrackSelection: { mMixerChannel: { mValue: { mVolume: "volume" } } } },
        makeValueBinding: (surface, value) => bound.push(value),
      }),
    },
  }),
});
