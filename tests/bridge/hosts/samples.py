"""Project files written by hand, one of every format, small enough to read."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile

RPP = """<REAPER_PROJECT 0.1 "7.22/linux-x86_64" 1700000000
  PROJOFFS 3600 0 0
  TIMEMODE 1 2 -1 25 0 0 -1
  SAMPLERATE 44100 0 0
  TEMPO 120 4 4
  <TEMPOENVEX
    ACT 1 -1
    PT 0 120 1
    PT 10 60 0
    PT 20 90 1
  >
  MARKER 1 0.5 "plain 'one'" 0 0 1 R
  MARKER 1 1 "long start" 9 23514367 1 B {AAAAAAAA-0000-0000-0000-000000000001} 0
  MARKER 1 2.5 "" 1 0 1 B
  MARKER 2 3 'says "boo"' 1 16777471 1 R {AAAAAAAA-0000-0000-0000-000000000002} 0
  MARKER 2 4 "" 1
  MARKER 3 5 `it's "both"` 1 0 1 R
  MARKER 3 6 "" 1 0 1 R
  <POOLEDENV
    ID 1
    NAME swell
    SRCLEN 2
    PPT 0 0 0
    PPT 2 1 0
  >
  <MASTERVOLENV2
    ACT 1 -1
    PT 0 1 0
    PT 1 0.5 0
  >
  <TRACK {BBBBBBBB-0000-0000-0000-000000000001}
    NAME Foley
    SEL 1
    AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''
    <AUXVOLENV
      ACT 1 -1
      PT 0 0.25 0
    >
    <VOLENV
      ACT 1 -1
      PT 0 0.75 0
    >
    <VOLENV2
      ACT 1 -1
      VOLTYPE 1
      PT 0 1 0
      PT 1 0.5 1 0 1
      PT 2 0.25 2
      PT 3 1 3
      PT 4 0.5 4
      PT 5 1 5 1 0 0 -0.5
      PT 6 0 0
    >
    <VOLENV3
      ACT 0 -1
      PT 0 2 0
    >
    <PANENV2
      ACT 1 -1
      PT 0 -1 0
    >
    <MUTEENV
      ACT 1 -1
      PT 0 1 1
    >
    <FXCHAIN
      BYPASS 0 0 0
      <JS draw_an_audio_guide.jsfx ""
        0.000000 - -
      >
      <PARMENV 0 -60 6 0 "Loudness / Draw an Audio Guide"
        ACT 1 -1
        PT 0 -60 0
        PT 2 0 0
      >
      BYPASS 0 0 0
      <VST "VST: ReaEQ (Cockos)" reaeq.dll 0 "" 1919247729
        cmVlcQ==
      >
      <PARMENV 3:_Gain_1 0 4 1 "Gain 1 / ReaEQ"
        ACT 1 -1
        PT 0 1.5 0
      >
    >
    <ITEM
      POSITION 10
      LENGTH 4
      NAME take.wav
      SOFFS 0
      PLAYRATE 2 1 0 -1
      <SOURCE WAVE
        FILE "take.wav"
      >
      <VOLENV
        ACT 1 -1
        PT 0 1 0
        PT 4 0.5 0
      >
    >
    <ITEM
      POSITION 2
      LENGTH 30
      NAME film
      SOFFS 12.5
      PLAYRATE 1 1 0 -1
      <SOURCE VIDEO
        FILE "film.mov"
      >
    >
  >
  <TRACK {BBBBBBBB-0000-0000-0000-000000000002}
    NAME "Swell: pooled"
    <VOLENV2
      ACT 1 -1
      PT 0 1 0
      POOLEDENVINST 1 1 1 0 1 0 0.5 1 1 0 0 1 0 0 0.012 1
    >
  >
>
"""

ARDOUR_7 = """<?xml version="1.0" encoding="UTF-8"?>
<Session version="7002" name="s" sample-rate="48000" id-counter="900">
  <Config>
    <Option name="timecode-format" value="timecode_25"/>
    <Option name="timecode-offset" value="172800000"/>
    <Option name="timecode-offset-negative" value="0"/>
  </Config>
  <Locations>
    <Location id="1" name="session" start="a0" end="a2822400000" flags="IsSessionRange"/>
    <Location id="2" name="Loop" start="a0" end="a282240000" flags="IsAutoLoop,IsHidden"/>
    <Location id="3" name="Punch" start="a0" end="a282240000" flags="IsAutoPunch,IsHidden"/>
    <Location id="4" name="Guide: door slams" start="a282240000" end="a705600000" flags="IsRangeMarker"/>
    <Location id="5" name="@door" start="a423360000" end="a423360000" flags="IsMark"/>
    <Location id="6" name="verse" start="a0" end="a564480000" flags="IsRangeMarker,IsSection"/>
    <Location id="7" name="in beats" start="b3840" end="b7680" flags="IsRangeMarker"/>
  </Locations>
  <Sources/>
  <Regions/>
  <Routes>
    <Route version="7002" id="10" name="Master" default-type="audio">
      <PresentationInfo order="0" flags="MasterOut"/>
    </Route>
    <Route version="7002" id="121" name="Guide" default-type="audio" audio-playlist="183" mode="Normal">
      <PresentationInfo order="1" flags="AudioTrack,OrderSet"/>
      <IO name="Guide" id="166" direction="Input" default-type="audio">
        <Port type="audio" name="Guide/audio_in 1"><Connection other="system:capture_1"/></Port>
      </IO>
      <IO name="Guide" id="167" direction="Output" default-type="audio">
        <Port type="audio" name="Guide/audio_out 1"><Connection other="Master/audio_in 1"/></Port>
      </IO>
      <Automation>
        <AutomationList automation-id="mute" id="147" interpolation-style="Discrete" state="Play">
          <events>a0 0 a282240000 1</events>
        </AutomationList>
      </Automation>
      <Processor id="171" name="Amp" active="1" type="trim">
        <Automation>
          <AutomationList automation-id="trim" id="143" interpolation-style="Logarithmic" state="Play">
            <events>a0 2 a282240000 4</events>
          </AutomationList>
        </Automation>
      </Processor>
      <Processor id="168" name="Amp" active="1" type="amp">
        <Automation>
          <AutomationList automation-id="gain" id="141" interpolation-style="Exponential" state="Play">
            <events>a0 1
a282240000 0.5
a564480000 0
</events>
          </AutomationList>
          <AutomationList automation-id="gain" id="142" interpolation-style="Exponential" state="Off">
            <events>a282240000 0.5
a846720000 1
</events>
          </AutomationList>
        </Automation>
        <Controllable name="gaincontrol" id="145" flags="GainLike" value="0.25"/>
      </Processor>
      <Processor id="300" name="Aux" active="1" type="intsend" role="Aux">
        <Automation>
          <AutomationList automation-id="send" id="301" interpolation-style="Exponential" state="Play">
            <events>a0 0.125</events>
          </AutomationList>
        </Automation>
      </Processor>
      <Processor id="400" name="Draw an Audio Guide" active="1" type="luaproc">
        <Automation>
          <AutomationList automation-id="parameter-0" id="401" interpolation-style="Linear" state="Play">
            <events>a0 -60 b3840 0</events>
          </AutomationList>
        </Automation>
        <Controllable name="Loudness" id="402" flags="" value="0" parameter="0"/>
      </Processor>
    </Route>
  </Routes>
  <VCAManager>
    <VCA name="All" id="500" number="1">
      <Automation>
        <AutomationList automation-id="gain" id="501" interpolation-style="Exponential" state="Touch">
          <events>a0 0.5</events>
        </AutomationList>
      </Automation>
    </VCA>
  </VCAManager>
  <Playlists>
    <Playlist id="183" name="Guide" type="audio" orig-track-id="121">
      <Region name="r1" length="a282240000@a564480000" envelope-active="1" id="600" type="audio">
        <Envelope>
          <AutomationList automation-id="envelope" id="601" interpolation-style="Exponential" state="Off">
            <events>a0 1 a141120000 0.5</events>
          </AutomationList>
        </Envelope>
      </Region>
    </Playlist>
  </Playlists>
  <TempoMap superclocks-per-second="282240000">
    <Tempos>
      <Tempo npm="60" enpm="60" note-type="4" type="Tempo::Constant" sclock="0" quarters="0:0" bbt="1|1|0"/>
    </Tempos>
  </TempoMap>
  <Extra><Videotimeline Filename="film.mov" LocalFile="0" VideoOffset="24000"/></Extra>
</Session>
"""

ARDOUR_3 = """<?xml version="1.0" encoding="UTF-8"?>
<Session version="3002" name="old" sample-rate="44100" id-counter="50">
  <Locations>
    <Location id="4" name="rain" start="44100" end="88200" flags="IsRangeMarker"/>
  </Locations>
  <Routes>
    <Route id="7" name="Bed" default-type="audio" mode="Normal">
      <Diskstream flags="Recordable" playlist="Bed.1" name="Bed" id="8"/>
      <Processor id="9" name="Amp" active="1" type="amp">
        <Automation>
          <AutomationList automation-id="gain" id="11" interpolation-style="Linear" state="Write">
            <events>0 1
1.764e+05 0.5
</events>
          </AutomationList>
        </Automation>
      </Processor>
      <Processor id="12" name="Send 1" active="1" type="send">
        <Processor id="13" name="Amp" active="1" type="amp">
          <Automation>
            <AutomationList automation-id="gain" id="14" interpolation-style="Linear" state="Play">
              <events>0 0.5</events>
            </AutomationList>
          </Automation>
        </Processor>
      </Processor>
    </Route>
  </Routes>
  <TempoMap>
    <Tempo start="1|1|0" beats-per-minute="145.000000" note-type="4.000000" movable="no"/>
    <Meter start="1|1|0" note-type="4.000000" beats-per-bar="5.000000" movable="no"/>
  </TempoMap>
</Session>
"""

ARDOUR_2 = """<?xml version="1.0" encoding="UTF-8"?>
<Session version="2.0.0" name="oldest" sample-rate="48000" id-counter="50">
  <Config>
    <Option name="smpte-frames-per-second" value="29.97"/>
    <Option name="smpte-drop-frames" value="1"/>
  </Config>
  <Locations>
    <Location id="1" name="start" start="0" end="0" flags="IsMark,IsStart"/>
    <Location id="2" name="Punch" start="0" end="48000" flags="IsAutoPunch"/>
  </Locations>
  <Routes>
    <Route flags="Hidden" default-type="audio">
      <IO name="Vocal" id="3" gain="1.0">
        <Panner>
          <StreamPanner x="0.5"><Automation>
            <AutomationList id="4" state="Play"><events>0 0.25</events></AutomationList>
          </Automation></StreamPanner>
        </Panner>
        <Automation>
          <AutomationList id="5" state="Play" style="Absolute"><events>0 1
4.8e+04 0.5
</events></AutomationList>
        </Automation>
      </IO>
      <Send bitslot="1">
        <Redirect active="yes" placement="PostFader">
          <IO name="Send 2" id="6" gain="0.5">
            <Automation><AutomationList id="7" state="Off"><events>0 0.25</events></AutomationList></Automation>
          </IO>
        </Redirect>
      </Send>
      <Insert type="ladspa">
        <Redirect active="yes"><IO name="EQ" id="8"/></Redirect>
        <PortAutomation>
          <port number="0"><AutomationList id="9" state="Off"><events>0 3</events></AutomationList></port>
        </PortAutomation>
      </Insert>
    </Route>
  </Routes>
</Session>
"""

DAWPROJECT_XML = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Project version="1.0">
  <Application name="Test" version="1"/>
  <Transport><Tempo max="666" min="20" unit="bpm" value="60" id="t0"/></Transport>
  <Structure>
    <Track contentType="audio" id="tr1" name="Guide">
      <Channel role="regular" id="ch1" destination="m1">
        <Devices>
          <ClapPlugin deviceName="Draw an Audio Guide" id="d1"><Parameters>
            <RealParameter name="Loudness" id="g1" unit="decibel" min="-60" max="6" value="0"/>
          </Parameters></ClapPlugin>
        </Devices>
        <Mute value="false" id="mu1"/>
        <Pan max="1" min="0" unit="normalized" value="0.5" id="p1"/>
        <Sends><Send id="s1"><Volume max="1" min="0" unit="linear" value="0" id="sv1"/></Send></Sends>
        <Volume max="2" min="0" unit="linear" value="1" id="v1"/>
      </Channel>
    </Track>
    <Track contentType="audio" id="tr2" name="Group">
      <Channel role="vca" id="ch2"><Volume max="2" min="0" unit="linear" value="1" id="v2"/></Channel>
      <Track contentType="audio" id="tr3" name="Inner">
        <Channel role="regular" id="ch3"><Volume max="2" min="0" unit="linear" value="1" id="v3"/></Channel>
      </Track>
    </Track>
    <Track contentType="audio" id="tr4" name="Master"><Channel role="master" id="m1">
      <Volume max="2" min="0" unit="linear" value="1" id="v4"/></Channel></Track>
  </Structure>
  <Arrangement id="a1">
    <TempoAutomation unit="bpm" timeUnit="beats">
      <Target parameter="t0"/>
      <RealPoint time="0" value="60" interpolation="linear"/>
      <RealPoint time="4" value="120" interpolation="hold"/>
    </TempoAutomation>
    <Lanes timeUnit="beats" id="l0">
      <Lanes track="tr1" id="l1">
        <Points unit="linear"><Target parameter="v1"/>
          <RealPoint time="0" value="1" interpolation="linear"/>
          <RealPoint time="4" value="0.5" interpolation="hold"/>
          <RealPoint time="8" value="0"/>
        </Points>
        <Points unit="normalized"><Target parameter="sv1"/><RealPoint time="0" value="0.5"/></Points>
        <Points unit="normalized"><Target parameter="p1"/><RealPoint time="0" value="0.25"/></Points>
        <Points><Target parameter="mu1"/><BoolPoint time="0" value="true"/></Points>
        <Points timeUnit="seconds" unit="decibel"><Target parameter="g1"/>
          <RealPoint time="0" value="-60" interpolation="linear"/><RealPoint time="2.5" value="0"/>
        </Points>
        <Clips id="c1">
          <Clip time="4" duration="4" contentTimeUnit="seconds" playStart="1" name="clip"><Lanes>
            <Points unit="linear"><Target expression="gain"/>
              <RealPoint time="1" value="1" interpolation="linear"/>
              <RealPoint time="2" value="0.5" interpolation="linear"/>
            </Points>
          </Lanes></Clip>
        </Clips>
      </Lanes>
      <Lanes track="tr2">
        <Points unit="decibel"><Target parameter="v2"/><RealPoint time="0" value="-6"/></Points>
      </Lanes>
      <Lanes track="tr3">
        <Points unit="percent"><Target parameter="v3"/><RealPoint time="0" value="50"/></Points>
      </Lanes>
      <Markers>
        <Marker time="4" name="Guide: rain&gt;" color="#ff0000"/>
        <Marker time="5" name="drop"/>
        <Marker time="8" name="Guide: rain&lt;"/>
      </Markers>
    </Lanes>
  </Arrangement>
</Project>
"""

ALS_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Ableton MajorVersion="5" MinorVersion="12.0_12049" Creator="Ableton Live 12.1">
  <LiveSet>
    <Tracks>
      <AudioTrack Id="8">
        <Name><EffectiveName Value="Guide"/><UserName Value=""/></Name>
        <AutomationEnvelopes><Envelopes>
          <AutomationEnvelope Id="0">
            <EnvelopeTarget><PointeeId Value="100"/></EnvelopeTarget>
            <Automation><Events>
              <FloatEvent Id="1" Time="-63072000" Value="1"/>
              <FloatEvent Id="2" Time="0" Value="1"/>
              <FloatEvent Id="3" Time="4" Value="0.5" CurveControl1X="0.2" CurveControl1Y="0.8"
                CurveControl2X="0.6" CurveControl2Y="0.9"/>
              <FloatEvent Id="4" Time="8" Value="0.0003162277571"/>
            </Events></Automation>
          </AutomationEnvelope>
          <AutomationEnvelope Id="1">
            <EnvelopeTarget><PointeeId Value="101"/></EnvelopeTarget>
            <Automation><Events><FloatEvent Id="1" Time="2" Value="-1"/></Events></Automation>
          </AutomationEnvelope>
          <AutomationEnvelope Id="2">
            <EnvelopeTarget><PointeeId Value="102"/></EnvelopeTarget>
            <Automation><Events><FloatEvent Id="1" Time="2" Value="0.25"/></Events></Automation>
          </AutomationEnvelope>
          <AutomationEnvelope Id="3">
            <EnvelopeTarget><PointeeId Value="103"/></EnvelopeTarget>
            <Automation><Events><BoolEvent Id="1" Time="2" Value="false"/></Events></Automation>
          </AutomationEnvelope>
        </Envelopes></AutomationEnvelopes>
        <DeviceChain><Mixer>
          <On><Manual Value="true"/><AutomationTarget Id="103"/></On>
          <Sends><TrackSendHolder Id="0"><Send><AutomationTarget Id="102"/></Send></TrackSendHolder></Sends>
          <Pan><AutomationTarget Id="101"/></Pan>
          <Volume><Manual Value="1"/><AutomationTarget Id="100"/></Volume>
        </Mixer></DeviceChain>
      </AudioTrack>
      <MidiTrack Id="9">
        <Name><EffectiveName Value="Old"/></Name>
        <DeviceChain><Mixer><Volume>
          <ArrangerAutomation><Events>
            <FloatEvent Time="-63072000" Value="0.5"/><FloatEvent Time="1" Value="0.5"/>
          </Events></ArrangerAutomation>
          <AutomationTarget Id="200"/>
        </Volume></Mixer></DeviceChain>
      </MidiTrack>
    </Tracks>
    <MainTrack>
      <Name><EffectiveName Value="Main"/></Name>
      <AutomationEnvelopes><Envelopes><AutomationEnvelope Id="0">
        <EnvelopeTarget><PointeeId Value="900"/></EnvelopeTarget>
        <Automation><Events>
          <FloatEvent Id="0" Time="-63072000" Value="60"/>
          <FloatEvent Id="1" Time="4" Value="60"/>
          <FloatEvent Id="2" Time="8" Value="120"/>
        </Events></Automation>
      </AutomationEnvelope></Envelopes></AutomationEnvelopes>
      <DeviceChain><Mixer><Tempo><Manual Value="60"/><AutomationTarget Id="900"/></Tempo></Mixer></DeviceChain>
    </MainTrack>
    <Locators><Locators>
      <Locator Id="0"><Time Value="8"/><Name Value="late"/></Locator>
      <Locator Id="1"><Time Value="0"/><Name Value="early"/></Locator>
    </Locators></Locators>
  </LiveSet>
</Ableton>
"""

PROTOOLS = """SESSION NAME:\tReel 1
SAMPLE RATE:\t48000.000000
BIT DEPTH:\t24-bit
SESSION START TIMECODE:\t01:00:00:00
TIMECODE FORMAT:\t25 Frame
# OF AUDIO TRACKS:\t1


T R A C K  L I S T I N G
TRACK NAME:\tFoley
COMMENTS:\t
CHANNEL \tEVENT   \tCLIP NAME \tSTART TIME \tEND TIME \tDURATION \tSTATE
1       \t1       \tstep \t01:00:01:00 \t01:00:02:00 \t00:00:01:00 \tUnmuted


M A R K E R S  L I S T I N G
#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME    \tTRACK NAME    \tTRACK TYPE    \tCOMMENTS
1   \t01:00:01:00  \t48000             \tSamples  \tdoor – slams \tMarkers \tRuler \tloud
2   \t01:00:02:12  \t1920              \tTicks    \tin bars \tMarkers \tRuler \t
"""

EDL = """TITLE: Reel
FCM: DROP FRAME

001  AX       V     C        00:00:00:00 00:00:10:00 01:00:00:00 01:00:10:00
* FROM CLIP NAME:  shot
* LOC: 01:00:01:15 RED     door slams
* LOC: 01:01:00;02 GREEN   after the drop
"""

FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10">
  <resources>
    <format id="r1" frameDuration="1001/30000s"/>
    <asset id="r2" name="film" hasVideo="1"><media-rep kind="original-media" src="file:///film.mov"/></asset>
  </resources>
  <library><event><project name="Reel">
    <sequence format="r1" tcStart="3600s" tcFormat="DF" audioRate="48k">
      <spine>
        <asset-clip ref="r2" offset="3600s" duration="10s" start="100s" name="film">
          <marker start="102s" duration="1001/30000s" value="in the clip"/>
          <clip lane="1" offset="105s" duration="2s" start="0s"><marker start="1s" value="on top"/></clip>
          <spine lane="1" offset="104s">
            <gap duration="1s"/><clip duration="1s" start="50s"><marker start="101/2s" value="in a storyline"/></clip>
          </spine>
        </asset-clip>
        <gap duration="5s" start="3600s"><chapter-marker start="3601s" value="chapter"/></gap>
      </spine>
    </sequence>
  </project></event></library>
</fcpxml>
"""


def _time(value: float, rate: float = 25.0) -> dict[str, object]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}


def _range(start: float, duration: float) -> dict[str, object]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start), "duration": _time(duration)}


def _marker(name: str, start: float, duration: float = 0.0) -> dict[str, object]:
    return {"OTIO_SCHEMA": "Marker.2", "name": name, "color": "RED", "marked_range": _range(start, duration)}


OTIO = json.dumps({
    "OTIO_SCHEMA": "Timeline.1",
    "global_start_time": _time(90000),
    "tracks": {
        "OTIO_SCHEMA": "Stack.1",
        "markers": [_marker("on the stack", 50, 25)],
        "children": [{
            "OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video",
            "children": [
                {"OTIO_SCHEMA": "Gap.1", "source_range": _range(0, 25)},
                {"OTIO_SCHEMA": "Transition.1", "in_offset": _time(5), "out_offset": _time(5)},
                {"OTIO_SCHEMA": "Clip.2", "source_range": _range(100, 50), "markers": [_marker("in the clip", 110)]},
                {"OTIO_SCHEMA": "Clip.1", "media_reference": {"available_range": _range(10, 20)},
                 "markers": [_marker("untrimmed", 15)]},
            ],
        }],
    },
})  # fmt: skip

REAPER_CSV = """#,Name,Start,End,Length,Color
M1,cue point,0:01.500,,,
R1,"door, slams",0:02.000,0:04.250,0:02.250,FF8000
"""


def midi() -> bytes:
    """Two tracks at 480 ticks: tempo 120 then 60 at tick 960, markers, CC7 in 7 bits, CC11 in 14, running status."""

    def variable(value: int) -> bytes:
        out = bytes([value & 0x7F])
        while value := value >> 7:
            out = bytes([value & 0x7F | 0x80]) + out
        return out

    def track(*events: tuple[int, bytes]) -> bytes:
        body = b"".join(variable(delta) + data for delta, data in events) + b"\0\xff\x2f\0"
        return b"MTrk" + struct.pack(">I", len(body)) + body

    def meta(kind: int, data: bytes) -> bytes:
        return b"\xff" + bytes([kind]) + variable(len(data)) + data

    conductor = track(
        (0, meta(0x51, (500_000).to_bytes(3))), (480, meta(0x06, b"door")), (480, meta(0x51, (1_000_000).to_bytes(3))),
        (480, meta(0x06, "Tür".encode("latin-1"))),
    )  # fmt: skip
    lanes = track(
        (0, meta(0x03, b"Foley")), (0, b"\xb0\x07\x7f"), (960, b"\x07\x40"), (0, b"\x0b\x40"), (0, b"\x2b\x20"),
        (240, b"\xf0\x03\x01\x02\xf7"), (240, b"\xb0\x0b\x00"), (0, b"\x90\x3c\x40"), (1, b"\xb1\x07\x10"),
    )  # fmt: skip
    return b"MThd" + struct.pack(">IHHH", 6, 1, 2, 480) + conductor + lanes


def dawproject(xml: str = DAWPROJECT_XML) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.xml", "<MetaData/>")
        archive.writestr("project.xml", xml)
        archive.writestr("audio/old.wav", b"RIFF")
    return out.getvalue()


def als(xml: str = ALS_XML) -> bytes:
    return gzip.compress(xml.encode())


def wave(list_name: bytes = b"LIST") -> bytes:
    """One second at 48 kHz: a marker named by `labl`, a region by `ltxt` and `note`, TimeReference one hour."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    fmt = struct.pack("<HHIIHH", 1, 1, 48000, 144000, 3, 24)
    bext = bytearray(602)
    bext[338:346] = struct.pack("<Q", 48000 * 3600)
    cues = struct.pack("<I", 2) + b"".join(
        struct.pack("<II4sIII", i, at, b"data", 0, 0, at) for i, at in ((1, 12000), (2, 24000))
    )
    adtl = b"adtl" + chunk(b"labl", struct.pack("<I", 1) + "Tür\0".encode())
    adtl += chunk(b"ltxt", struct.pack("<II4sHHHH", 2, 6000, b"rgn ", 0, 0, 0, 0))
    adtl += chunk(b"note", struct.pack("<I", 2) + b"slam\0")
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"bext", bytes(bext)) + chunk(b"data", bytes(3000))
    body += chunk(b"cue ", cues) + chunk(list_name, adtl)
    return b"RIFF" + struct.pack("<I", len(body)) + body


#: File name -> content: a seed of every format.
SEEDS: dict[str, bytes] = {
    "song.rpp": RPP.encode(),
    "seven.ardour": ARDOUR_7.encode(),
    "three.ardour": ARDOUR_3.encode(),
    "two.ardour": ARDOUR_2.encode(),
    "song.dawproject": dawproject(),
    "song.als": als(),
    "plain.als": ALS_XML.encode(),
    "song.mid": midi(),
    "reel.txt": PROTOOLS.encode(),
    "reel.edl": EDL.encode(),
    "reel.fcpxml": FCPXML.encode(),
    "reel.otio": OTIO.encode(),
    "regions.csv": REAPER_CSV.encode(),
    "cues.wav": wave(),
}
