// What Logic's Scripter offers, as far as this script's names go.
const midi = [];
let loudness = 0, playing = true;
const report = (value) => process.stdout.write(JSON.stringify(value));
const GetParameter = (name) => { if (name !== "Loudness") throw new Error(name); return loudness; };
const GetTimingInfo = () => ({ playing });
function ControlChange() { this.send = () => midi.push([this.number, this.value]); }
