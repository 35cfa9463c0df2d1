#!/usr/bin/env python3
"""convert.py VERSION RECORDING OUTPUT: makes a golden file of a recording; see README.md.

A recording has three kinds of lines. A mark begins a situation. A note says what was done or seen from outside. A call has
a driver's arguments and its answer. The library needs to know when pods were added and removed, drivers changed, processes
stopped and mounts were lost. These times come from notes if there are any, otherwise from the first call that shows them.
Nothing here depends on the name of a situation.
"""

import base64
import collections
import json
import re
import sys

PREFIX = "kubernetes.io/"
POD_NAME, POD_UID, VOLUME = PREFIX + "pod.name", PREFIX + "pod.uid", PREFIX + "pvOrVolumeName"
GROUP, SECRET = PREFIX + "mounterArgs.FsGroup", PREFIX + "secret/"
NEVER = 1e9

KUBELET_STOPS = re.compile(r"^(stop-kubelet|crash-kubelet|kubelet (stopped|killed)|node\.sh stop)")
KUBELET_STARTS = re.compile(r"^(start-kubelet|kubelet started|node\.sh start)")
# One note can be both a stop and a start.
KUBELET_RESTARTS = re.compile(r"^kubelet restarted|^(stop-kubelet|crash-kubelet|kubelet (stopped|killed)|node\.sh stop)"
                              r".*\b(start-kubelet|start(ed)?)\b")
NODE_RESTARTS = re.compile(r"^node restarted")
CONTROLLER_STARTS = re.compile(r"^controller-manager (re)?started")
DRIVER_CHANGES = re.compile(r"^(driver (installed|replaced|updated)|the file is removed|\S+\.log written)")
DRIVER_REMOVED = re.compile(r"^driver (directory )?removed")
DEAD_SERVER = re.compile(r"^a FUSE mount whose server died")
BY_HAND = re.compile(r"u(n)?mount")
# Notes about a pod. A note without a name is about the pod that was applied last.
NAME = r"(?: (?!-)(?P<name>\S+))?"
POD_NOTES = {
    "deleted": re.compile(rf"^kubectl delete pod\b{NAME}"),
    "forced": re.compile(rf"^kubectl delete pod\b{NAME} .*--force|^pod{NAME.replace('name', 'other')} force-deleted"),
    "gone": re.compile(rf"^pod{NAME} is gone from the API"),
    "ready": re.compile(rf"^pod{NAME} Running"),
}

# Before this release neither kubelet nor controller-manager probes for drivers at its start.
PROBES_AT_START = 32
# Before this release a kubelet that waits for a pod's volumes does not notice that the pod is deleted. Observed with 1.20,
# not with 1.36. In between, kubernetes#102344 made a deletion end the pod's operations.
HEARS_WHILE_WAITING = 22


class Call:
    """A driver's arguments and its answer."""

    def __init__(self, row):
        self.row = row
        self.t, self.driver, self.argv = row["t"], row["driver"], row["argv"]
        # The driver of a killed kubelet has lost its parent.
        self.caller = {"": "kubelet", "kube-controller": "controller"}.get(row["caller"], row["caller"])
        self.command = self.argv[0]
        self.duration = float(row["dur"] or 0)
        text = next((a for a in self.argv[1:] if a.startswith("{")), None)
        self.options = json.loads(text) if text else {}
        self.stderr = self.removes = None

    @property
    def volume(self):
        return self.options.get(VOLUME)

    @property
    def directory(self):
        return self.argv[1] if self.row["dir_before"] else None

    @property
    def reply(self):
        try:
            return json.loads(self.row["out"])
        except ValueError:
            return {}

    @property
    def succeeded(self):
        return self.row["rc"] == 0 and self.reply.get("status") == "Success"


def mounts(state):
    """The number in "exists 750 root:root mounts=1"; None for a directory that could not be read."""
    found = re.search(r"mounts=(\d+)", state or "")
    return int(found.group(1)) if found else None


class Recording:
    """The lines by kind, in order of time."""

    def __init__(self, path, version):
        self.minor = int(version.split(".")[1])
        with open(path) as file:
            rows = sorted((json.loads(line) for line in file if line.strip()), key=lambda row: row["t"])
        self.calls = [Call(row) for row in rows if "argv" in row]
        self.notes = [(row["t"], row["note"]) for row in rows if "note" in row]
        self.situations = [{"name": row["mark"], "t": row["t"]} for row in rows if "mark" in row]
        for one, following in zip(self.situations, self.situations[1:]):
            one["end"] = following["t"]
        self.situations[-1]["end"] = rows[-1]["t"] + 20
        self.attaches = self._attaching()
        self.names = self._full_names()

    def noted(self, pattern, start=-NEVER, end=NEVER):
        """Returns the times of the notes that match a pattern."""
        return [t for t, note in self.notes if start <= t < end and re.search(pattern, note)]

    def stops(self):
        """Returns the times and notes of the kubelet's stops."""
        return [(t, note) for t, note in self.notes if KUBELET_STOPS.search(note) or KUBELET_RESTARTS.search(note)]

    def situation(self, t):
        return next((s for s in reversed(self.situations) if s["t"] <= t), self.situations[0])

    def made(self, command=None, caller=None, start=-NEVER, end=NEVER, driver=None):
        return [c for c in self.calls if start <= c.t < end and command in (None, c.command)
                and caller in (None, c.caller) and driver in (None, c.driver)]

    def _attaching(self):
        """Drivers that announced attach, did not mention it, or were called to attach."""
        said = {c.driver for c in self.made("init")
                if c.succeeded and (c.reply.get("capabilities") or {}).get("attach", True)}
        return said | {c.driver for c in self.made("attach") + self.made("waitforattach")}

    def _full_names(self):
        """Returns vendor and driver, from the paths."""
        names = {}
        for call in self.calls:
            found = re.search(r"/volumes/([^/]+)/|/flexvolume/(.+)/mounts/", " ".join(call.argv))
            if found:
                names[call.driver] = found.group(1).replace("~", "/") if found.group(1) else found.group(2)
        return names

    def full_name(self, driver):
        return self.names.get(driver, "example.org/" + driver)


class Events:
    """The events from outside, for the golden file."""

    def __init__(self):
        self.lines = []

    def add(self, t, **line):
        self.lines.append((round(t, 3), len(self.lines), line))

    def between(self, start, end):
        return [{"t": t, **line} for t, _, line in sorted(self.lines) if start <= t < end]


# --- pods -----------------------------------------------------------------------------------------------------------


class Life:
    """One pod, from its creation to its removal."""

    def __init__(self, recording, name, applied, until, is_last):
        """`is_last` returns whether this pod was the last one applied at a time."""
        self.name, self.applied, self.until, self.is_last = name, applied, until, is_last
        self.notes = [(t, note) for t, note in recording.notes if applied <= t < until]
        self.mounts = [c for c in recording.made("mount", start=applied - 1, end=until - 0.5)
                       if c.options.get(POD_NAME) == name]
        self.uid = self.mounts[0].options[POD_UID] if self.mounts else f"uid-of-{name}-{applied:.0f}"
        self.forced, self.deleted, self.ready = self.noted("forced"), self.noted("deleted"), self.noted("ready")
        self.gone = self.noted("gone") or self.forced
        self.unmounts = [c for c in recording.made("unmount") if f"/{self.uid}/" in c.argv[1]]
        self.group = next((int(c.options[GROUP]) for c in self.mounts if GROUP in c.options), None)
        self.events = [note for t, note in self.notes
                       if note.startswith("event ") and t < (self.gone or NEVER) + 1 and is_last(t)]

    def noted(self, what):
        """Returns the time of the first note about this pod."""
        for t, note in self.notes:
            found = POD_NOTES[what].search(note)
            names = [name for name in found.groupdict().values() if name] if found else []
            if found and (self.name in names or not names and self.is_last(t)):
                return t
        return None

    @property
    def last_mount(self):
        return max((c.t for c in self.mounts), default=0)

    def pod(self, volumes):
        pod = {"name": self.name, "uid": self.uid, "volumes": volumes}
        if self.group is not None:
            pod["group"] = self.group
        return pod


def find_lives(recording):
    """Finds pods by their notes, and pods without a note by their first mount."""
    applied = [(t, re.match(r"kubectl apply pod (\S+)", note).group(1))
               for t, note in recording.notes if note.startswith("kubectl apply pod ")]
    known = {name for _, name in applied}
    for call in recording.made("mount"):
        name = call.options.get(POD_NAME)
        if name and name not in known:
            known.add(name)
            applied.append((call.t - 0.3, name))
    applied.sort()
    lives = []
    for t, name in applied:
        until = min((u for u, n in applied if n == name and u > t), default=NEVER)
        is_last = lambda at, t=t: max((u for u, _ in applied if u <= at), default=None) == t
        lives.append(Life(recording, name, t, until, is_last))
    return lives


def volume_of(call, recording, persistent):
    """Returns a pod's volume, from a call of its driver."""
    options = call.options
    volume = {
        "name": options[VOLUME],
        "driver": recording.full_name(call.driver),
        "fsType": options[PREFIX + "fsType"],
        "options": {k: v for k, v in options.items() if not k.startswith(PREFIX)},
    }
    if volume["name"] in persistent:
        volume["persistent"] = True
    if options[PREFIX + "readwrite"] == "ro":
        volume["readOnly"] = True
    secret = {k[len(SECRET):]: v for k, v in options.items() if k.startswith(SECRET)}
    if secret:
        volume["secret"] = {"name": "secret", "type": volume["driver"], "data": secret}
    return volume


def volumes_of(life, recording, persistent):
    """Finds a pod's volumes: in its own mounts, in the first call that can be its, or in its Events."""
    own = {c.volume: c for c in reversed(life.mounts)}
    if own:
        return [volume_of(own[name], recording, persistent) for name in sorted(own)]
    end = min(life.deleted or NEVER, life.until)
    # The pod may wait for another pod that still exists.
    later = min(life.gone or NEVER, life.until)
    for window in (end, later):
        for call in recording.made(start=life.applied - 0.3, end=window):
            if call.command in ("getvolumename", "attach", "waitforattach", "mountdevice"):
                return [volume_of(call, recording, persistent)]
    return [volume_of_event(life, recording, persistent)]


def volume_of_event(life, recording, persistent):
    """Returns a volume that no driver was called for."""
    text = " ".join(life.events)
    name = re.search(r'for volume "([^"]+)"', text)
    last = [c.driver for c in recording.made("mount", end=life.applied) if c.driver not in recording.attaches]
    volume = {
        "name": name.group(1) if name else "v",
        "driver": recording.full_name(last[-1]) if last and "no volume plugin matched" not in text else "none",
        "fsType": "ext4",
        "options": {},
    }
    if volume["name"] in persistent:
        volume["persistent"] = True
    secret = re.search(r"[Cc]ouldn't get secret \S+/(\S+) err", text)
    if secret:
        volume["secret"] = {"name": secret.group(1), "type": "Opaque", "data": {"k": base64.b64encode(b"v").decode()}}
    if "mount options are not supported" in text:
        volume["persistent"], volume["mountOptions"] = True, ["ro"]
    return volume


def is_of(call, life, volumes):
    """Returns whether a call can be for a pod."""
    names, driver = [v["name"] for v in volumes], volumes[0]["driver"].split("/")[-1]
    if call.command == "init":
        return True
    return call.driver == driver and call.volume in names and call.options.get(POD_NAME, life.name) == life.name


def begin(life, volumes, recording, events):
    """Adds when kubelet and controller-manager learn of a pod: just before the first call that shows it."""
    start = recording.situation(life.applied)["t"] + 0.001

    def first(caller, longest, usual):
        calls = [c.t for c in recording.made(caller=caller, start=life.applied - 0.3, end=life.applied + longest)
                 if is_of(c, life, volumes) and (c.command != "init" or c.t < life.applied + 0.5)]
        return max(min([life.applied + usual] + calls) - 0.02, start)

    life.begins = {"run": first("kubelet", 1.5, 0.2), "controller-run": first("controller", 1.0, 0.02)}
    for what, t in life.begins.items():
        events.add(t, do=what, pod=life.pod(volumes))


def finish(life, lives, recording, events):
    """Adds when its containers end, and when it is removed for the kubelet."""
    taken_down = min((c.t for c in life.unmounts), default=None)
    if taken_down is None and life.deleted and life.attaches:
        taken_down = device_taken_down(life, lives, recording)
    ends = [t for t in (taken_down and taken_down - 0.03, life.gone) if t]
    controller_ends = list(ends)
    if life.deleted and (taken_down is None or life.last_mount > life.deleted or taken_down > (life.gone or NEVER)):
        # Mounts continue after the containers have ended, or there is nothing to tear down: no call shows the end.
        ends.append(max(life.deleted + 1, min(heard(life, recording), (life.gone or NEVER) - 0.301)))
        controller_ends.append(life.deleted + 1)
    if not ends:
        return
    last = lambda times: life.forced or (min(times) if life.deleted else max(min(times), life.last_mount + 0.005))
    end = last(ends)
    events.add(end, do="end", uid=life.uid)
    events.add(last(controller_ends), do="controller-end", uid=life.uid)
    if life.gone:
        # The note comes some time after the event, and the kubelet may notice it later.
        events.add(max(end + 0.001, life.gone - 0.3, life.last_mount + 0.005), do="forget", uid=life.uid)


def heard(life, recording):
    """Returns when the kubelet notices that a pod is deleted. An old kubelet that waits for the pod's volumes notices it only
    when they are mounted or its wait has ended. A call shows that, or nothing does."""
    done = {}
    for call in life.mounts:
        # If the driver does not have mount, the kubelet mounts.
        if call.succeeded or call.reply.get("status") == "Not supported":
            done.setdefault(call.volume, call.t + call.duration)
    mounted = max(done.values()) if len(done) == len(life.volumes) else life.ready or NEVER
    return life.deleted if recording.minor >= HEARS_WHILE_WAITING else max(mounted, life.deleted)


def device_taken_down(life, lives, recording):
    """Returns when the device of a pod's volume is unmounted, unless that is for another pod with the same volume."""
    volume = life.volumes[0]
    path = f"/{volume['driver']}/mounts/{volume['name']}"
    calls = [c.t for c in recording.made("unmountdevice", start=life.deleted) if c.argv[1].endswith(path)]
    if not calls:
        return None
    shared = any(
        other is not life and other.volumes[0]["name"] == volume["name"]
        and other.volumes[0]["driver"] == volume["driver"]
        and other.applied < calls[0] and (other.deleted or other.gone or NEVER) > life.deleted
        for other in lives)
    return None if shared else calls[0]


def grow(life, volumes, recording, events):
    """Adds the growth of a PV. Its size has changed by the time of the first call to grow it."""
    for volume in volumes:
        if not volume.get("persistent"):
            continue
        calls = [c for c in recording.made("expandfs") if c.volume == volume["name"]]
        mine = [c for c in calls if life.applied <= c.t < (life.gone or life.until)]
        earlier = [c for c in calls if c.t < life.applied and c.succeeded]
        if mine:
            new, old = (int(a) for a in mine[0].argv[-2:])
            online = recording.noted("^kubectl patch pvc", life.applied, mine[0].t)
            volume["sizes"] = [old, old] if online else [new, old]
            if online:
                events.add(mine[0].t - 0.02, do="run", pod=life.pod([dict(v, sizes=[new, old]) for v in volumes]))
            done = next((c for c in mine if c.succeeded), None)
            if done:
                t = done.t + done.duration + 1
                events.add(t, do="run", pod=life.pod([dict(v, sizes=[new, new]) for v in volumes]))
        elif earlier:
            new = int(earlier[-1].argv[-2])
            volume["sizes"] = [new, new]


# --- processes ------------------------------------------------------------------------------------------------------


def kubelet_restarts(recording, lives, events):
    """Adds stops and starts of the kubelet. Returns the times of the starts, and of those that cause a probe."""
    starts, looks = [], []
    stops = recording.stops()
    for t, note in stops:
        events.add(t + 0.001, do="stop-node")
        if note.startswith("node.sh stop"):
            events.add(t + 0.002, do="reboot")
        following = min([u for u, _ in stops if u > t], default=NEVER)
        up = t + 0.2 if KUBELET_RESTARTS.search(note) else next(
            iter(recording.noted(KUBELET_STARTS, t + 0.0001, following)), None)
        calls = recording.made(caller="kubelet", start=t + 0.15, end=following)
        if up is None and not calls:
            continue  # The kubelet stayed down until the next stop.
        up = up or calls[0].t - 0.03
        start = up
        if looks_at_start(recording, lives, t, up):
            inits = [c.t for c in recording.made("init", "kubelet", max(t + 0.15, up - 0.5), min(up + 15, following))]
            start = inits[0] - 0.03 if inits else up
            looks.append(start)
        following = min([following] + recording.noted(NODE_RESTARTS, start))
        attaches = bool(recording.made("attach", "kubelet", start, following))
        events.add(start, do="start-node", **({"attaches": True} if attaches else {}))
        starts.append(start)
    for t in recording.noted(NODE_RESTARTS):
        inits = [c.t for c in recording.made("init", "kubelet", t - 8, t)]
        start = inits[0] - 0.03 if inits else t
        events.add(start - 0.5, do="stop-node")
        events.add(start, do="start-node")
        starts.append(start)
        if looks_at_start(recording, lives, start - 0.5, start):
            looks.append(start)
    return sorted(starts), looks


def looks_at_start(recording, lives, stopped, started):
    """Returns whether a process that starts probes for drivers. An old one does so if there are pods, or leftovers of pods
    that were removed while it was down."""
    occupied = any(life.applied < started and (life.gone or NEVER) > stopped for life in lives)
    return occupied or recording.minor >= PROBES_AT_START


def controller_restarts(recording, lives, events):
    """Adds starts of the controller-manager. Returns their times, and those that cause a probe."""
    starts, looks = [], []
    for t in recording.noted(CONTROLLER_STARTS):
        inits = [c.t for c in recording.made("init", "controller", t - 8, t + 10)]
        start = inits[0] - 0.03 if inits else t - 5
        events.add(start - 0.4, do="stop-controller")
        # A controller-manager that calls no driver has none in its directory.
        events.add(start, do="start-controller", **({} if inits else {"without": True}))
        starts.append(start)
        if looks_at_start(recording, lives, start - 0.4, start):
            looks.append(start)
    return starts, looks


# --- drivers --------------------------------------------------------------------------------------------------------


def loaded_before(recording, starts, events):
    """Returns the drivers loaded before the recording. Their first call is not init, or is an init caused by the start of a
    process."""
    drivers = set()
    for driver in {c.driver for c in recording.calls}:
        for caller in ("kubelet", "controller"):
            first = next(iter(recording.made(caller=caller, driver=driver)), None)
            if first and (first.command != "init" or any(0 <= first.t - t < 1 for t in starts[caller])):
                drivers.add(driver)
    for driver in sorted(drivers):
        init = next((c.row["out"] for c in recording.made("init", driver=driver) if c.succeeded), None)
        out = init or json.dumps({"status": "Success", "capabilities": {"attach": driver in recording.attaches}})
        missing = {caller: remembered(driver, caller, recording) for caller in ("kubelet", "controller")}
        events.add(recording.situations[0]["t"], do="loaded", driver=recording.full_name(driver), out=out, missing=missing)
    return drivers


def remembered(driver, caller, recording):
    """Returns the commands that a driver loaded before had reported as not supported. For a driver that attaches, these are
    the commands that are not called before its next init."""
    if driver not in recording.attaches:
        return []
    init = next((c.t for c in recording.made("init", caller, driver=driver)), NEVER)
    asked = {c.command for c in recording.made(caller=caller, driver=driver, end=init)}
    return [command for command in ("getvolumename", "mount", "unmount") if command not in asked]


def driver_changes(recording, starts, events):
    """Adds changes in the plugin directory: those in notes, and one for each init that nothing else explains."""
    changes = collections.defaultdict(list)
    for driver in loaded_before(recording, starts, events):
        changes[driver].append(-NEVER)
    noted_about = lambda t: (recording.made("mount", end=t)[-1:] or recording.made("init")[:1])[0].driver
    for t in recording.noted(DRIVER_CHANGES):
        changes[noted_about(t)].append(t)
    for t in recording.noted(DRIVER_REMOVED):
        events.add(t, do="driver-gone", driver=recording.full_name(noted_about(t)))
    asked = {}
    for call in recording.made("init"):
        last = asked.get((call.caller, call.driver))
        since = -NEVER if last is None else last  # a driver loaded before has not changed since
        asked[call.caller, call.driver] = call.t
        restarted = any(since < t < call.t for t in starts[call.caller])
        changed = any(since < t < call.t for t in changes[call.driver])
        if changed or (restarted and changes[call.driver]):
            continue
        before = [c.t + 0.001 for c in recording.calls if c.t < call.t - 0.5 and c.caller == call.caller]
        t = max([recording.situation(call.t)["t"] + 0.001] + before[-1:])
        changes[call.driver].append(t)
    for driver, times in changes.items():
        for t in (t for t in times if t > -NEVER):
            events.add(t, do="driver", driver=recording.full_name(driver))
        removed = removal(driver, recording, starts)
        if removed:
            events.add(removed, do="driver-gone", driver=recording.full_name(driver))


def removal(driver, recording, starts):
    """Adds when a driver was removed for good. A kubelet that starts calls all existing drivers."""
    last = recording.made(driver=driver)[-1].t
    for start in starts["kubelet"]:
        if start > last and recording.made("init", "kubelet", start, start + 15):
            return recording.situation(last)["end"] - 0.01
    return None


def lookups(recording, lives, looks, events):
    """Adds probes that calls show but whose causes are not recorded."""
    begins = [t for life in lives for t in life.begins.values()]
    for call in recording.made("init"):
        if any(abs(call.t - t) < 0.5 for t in begins) or any(-0.1 < call.t - t < 1 for t in looks[call.caller]):
            continue
        if call.caller == "controller":
            events.add(call.t - 0.01, do="controller-sync")
            continue
        # The kubelet also probes before it tears a volume down.
        if not recording.made("unmount", "kubelet", call.t, call.t + 0.15, call.driver):
            events.add(call.t - 0.01, do="sync")
    for life in lives:
        ready = life.last_mount
        calls = recording.made("getvolumename", "kubelet", ready or NEVER, life.deleted or life.until)
        for call in calls:
            if call.succeeded and is_of(call, life, life.volumes):
                events.add(call.t - 0.01, do="sync", uid=life.uid)


def verifications(recording, starts, events):
    """Adds the controller's verifications, one a minute. Only its calls show when the minute begins."""
    last = -NEVER
    if not recording.made("isattached"):
        events.add(recording.situations[0]["t"], do="verification", until=NEVER)
    for call in recording.made("isattached"):
        since = max([0.0, last] + [t for t in starts["controller"] if t < call.t])
        if abs(call.t - last - 60) > 1 or since != last:
            minutes = int((call.t - since - 1) // 60)
            events.add(max(since + 0.5, 0.001), do="verification", until=round(call.t - 0.01 - 60 * minutes, 3))
        last = call.t


# --- what is not in a call ------------------------------------------------------------------------------------------


def lost_mounts(recording, starts, events):
    """Adds mounts that were lost without a driver: a call finds fewer than the previous one left."""
    for t in recording.noted(DEAD_SERVER):
        events.add(t, do="dead")
    left = {}
    ordered = sorted([(c.t, 0, c) for c in recording.calls] + [(c.t + c.duration, 1, c) for c in recording.calls],
                     key=lambda entry: entry[:2])
    for t, is_end, call in ordered:
        path = call.directory
        if not path:
            continue
        if is_end:
            left[path] = (t, mounts(call.row["dir_after"]))
            continue
        found, (since, expected) = mounts(call.row["dir_before"]), left.get(path, (t, None))
        dead = recording.noted(DEAD_SERVER, since, t)
        if found is None or expected is None or (found >= expected and not (dead and call.command == "mount")):
            continue
        if recording.noted("^node\\.sh stop", since, t):
            continue
        events.add(time_of_loss(recording, since, t, starts, dead), do="unmounted", path=path)


def time_of_loss(recording, since, t, starts, dead):
    hand = [u for u, note in recording.notes if since <= u < t and BY_HAND.search(note)
            and "unmount" not in note.split()[:1] and not note.startswith(("mounts", "event"))]
    down = [u for u in starts["kubelet"] if since <= u < t]
    return hand[-1] if hand else down[-1] - 0.01 if down and not dead else t - 3 if dead else t - 0.4


def kept_directories(recording, lives, events):
    """Adds a file to a directory without a mount that several successful unmounts do not remove."""
    for life in lives:
        by_path = collections.defaultdict(list)
        for call in life.unmounts:
            by_path[call.argv[1]].append(call)
        for path, calls in by_path.items():
            empty = [c for c in calls if c.succeeded and mounts(c.row["dir_before"]) == 0]
            if len(empty) < 2 or len(empty) != len(calls):
                continue
            events.add(life.ready or life.last_mount + 1, do="file", path=path + "/file")
            calls[-1].removes = path + "/file"


def odd_answers(recording, lives, events):
    """Adds drivers that wrote before their reply, or ended without output and without a record. Pods' Events show them."""
    seen, owner = collections.Counter(), None
    for life in lives:
        found = collections.Counter(re.sub(r"^event (\S+) x\d+", r"event \1", e) for e in life.events)
        new = found - seen if owner == life.name else found
        if found:
            seen, owner = found, life.name
        for text in new:
            noise = re.search(r"invalid character '(.)' looking for beginning of value", text)
            if noise and life.mounts:
                life.mounts[0].stderr = noise.group(1) + "arning\n"
            if "unexpected end of JSON input" in text and not any(c.t < life.applied + 1 for c in life.mounts):
                end = life.mounts[0].t - 0.15 if life.mounts else recording.situation(life.applied)["end"]
                events.add(life.applied + 0.001, do="silent", until=round(end, 3), signal=0)


# --- the golden file ------------------------------------------------------------------------------------------------


def golden_call(call, recording):
    line = {"caller": call.caller, "driver": call.driver, "argv": call.argv, "out": call.row["out"],
            "rc": call.row["rc"], "dur": call.duration}
    if call.directory:
        line["before"], line["after"] = call.row["dir_before"], call.row["dir_after"]
    # The recorder's drivers mount a tmpfs or bind a directory of the node's own file system.
    if call.command == "mountdevice" or (call.command == "mount" and (
            call.driver in recording.attaches or call.options.get("src") == "tmpfs")):
        line["foreign"] = True
    if call.stderr:
        line["stderr"] = call.stderr
    if call.removes:
        line["removes"] = call.removes
    return line


def convert(version, source, target):
    recording, events = Recording(source, version), Events()
    persistent = {re.match(r"kubectl apply pv (\S+)", n).group(1)
                  for _, n in recording.notes if n.startswith("kubectl apply pv ")}
    # The PV of a claim, if the PV has no note.
    persistent |= {m.group(1) for _, n in recording.notes for m in [re.match(r"(?:kubectl delete pv|pv) (pv\S+)", n)] if m}
    lives = find_lives(recording)
    for life in lives:
        life.volumes = volumes_of(life, recording, persistent)
        life.attaches = life.volumes[0]["driver"].split("/")[-1] in recording.attaches
    starts, looks = {}, {}
    starts["kubelet"], looks["kubelet"] = kubelet_restarts(recording, lives, events)
    starts["controller"], looks["controller"] = controller_restarts(recording, lives, events)
    for life in lives:
        grow(life, life.volumes, recording, events)
        begin(life, life.volumes, recording, events)
    for life in lives:
        finish(life, lives, recording, events)
    driver_changes(recording, starts, events)
    lookups(recording, lives, looks, events)
    verifications(recording, starts, events)
    lost_mounts(recording, starts, events)
    kept_directories(recording, lives, events)
    odd_answers(recording, lives, events)
    for call in recording.calls:
        events.add(call.t, call=golden_call(call, recording))
    with open(target, "w") as file:
        file.write(json.dumps({"t": 0, "version": version}) + "\n")
        start = -NEVER
        for situation in recording.situations:
            head = {"situation": situation["name"], "t": situation["t"], "end": round(situation["end"], 3)}
            asked = recording.made("getvolumename", "controller", situation["t"], situation["end"])
            if any(c.succeeded for c in asked):
                head["deviation"] = {"of": "controller getvolumename", "reason": (
                    "the controller-manager asks for the volume's name at each of its informer's events, which the "
                    "recording does not have; only the first time of each situation is compared")}
            file.write(json.dumps(head) + "\n")
            for line in events.between(start, situation["end"]):
                file.write(json.dumps(line) + "\n")
            start = situation["end"]
    print(f"{version}: {len(recording.situations)} situations, {len(recording.calls)} calls, {len(lives)} pods")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    convert(*sys.argv[1:])
