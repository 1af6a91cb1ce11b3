// What Cubase's MIDI Remote API offers, as far as this script's names go.
const midi = [], bound = [], detected = [];
let named;
const report = (value) => process.stdout.write(JSON.stringify(value));
const unit = {
  detectSingleOutput: () => unit,
  expectOutputNameContains(name) { detected.push(name); return unit; },
};
require = () => ({
  makeDeviceDriver: (vendor, device) => {
    named = `${vendor}_${device}`;
    return {
      mPorts: { makeMidiOutput: () => ({ sendMidi: (context, bytes) => midi.push(bytes) }) },
      makeDetectionUnit: () => unit,
      mSurface: { makeFader: () => ({ mSurfaceValue: {} }) },
      mMapping: {
        makePage: () => ({
          mHostAccess: { mTrackSelection: { mMixerChannel: { mValue: { mVolume: "volume" } } } },
          makeValueBinding: (surface, value) => bound.push(value),
        }),
      },
    };
  },
});
