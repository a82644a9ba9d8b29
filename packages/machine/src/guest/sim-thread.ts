/** The thread of one vCPU: maps RAM, runs the workload at its rate, stops when told. */
import { readlinkSync } from 'node:fs';
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { native } from '@godwit/native';
import type { Space } from '../memory/bus.js';
import { DirtyBitmap } from '../memory/dirty-bitmap.js';
import { mapRam, unmapRam } from '../memory/guest-memory.js';
import { type DeviceProgram, runProgram } from './device-program.js';
import { echoSerial } from './echo-serial.js';
import type { GuestPorts } from './guest-ports.js';
import { Pacer } from './pacer.js';
import { answerPowerButton } from './power-button.js';
import { Registers } from './registers.js';
import { setClock } from './set-clock.js';
import { Control, type FromThread, type ThreadData, type ToThread } from './thread-protocol.js';
import { Workload } from './workload.js';

/** How long the vCPU sleeps when it is ahead of its rate, in milliseconds. */
const SLICE_MS = 4;

/** The thread must end while a vCPU waited for an access. */
class Ended extends Error {}

const { data, port } = workerData as { data: ThreadData; port: MessagePort };
const control = new Control(data.control);
const deferred: ToThread[] = [];
/** Something waits at the serial port. */
let serialWaits = false;
/** Devices whose interrupt is to be served, by their address. */
const interrupts = new Set<number>();

function post(message: FromThread): void {
  port.postMessage(message);
}

function receive(): ToThread | undefined {
  return receiveMessageOnPort(port)?.message as ToThread | undefined;
}

/** Accesses are answered by the machine's thread, in order, even while a pause is asked for. */
const ports: GuestPorts = {
  read: (port, into) => into.set(access('read', 'port', port, into)),
  write: (port, from) => {
    access('write', 'port', port, from);
  },
};

function useDevice(program: DeviceProgram<void> | undefined): void {
  if (program === undefined) return;
  runProgram(program, ({ kind, address, data }) => data.set(access(kind, 'mmio', address, data)));
}

function access(kind: 'read' | 'write', space: Space, address: number, bytes: Uint8Array): Uint8Array {
  post({ kind: 'access', access: kind, space, address, data: bytes });
  for (;;) {
    const seen = control.wakes;
    const message = receive();
    if (message?.kind === 'accessed') return message.data;
    if (message !== undefined) deferred.push(message);
    else if (control.epoch === Control.EXIT) throw new Ended();
    else control.sleep(seen);
  }
}

const segments = mapRam(data.ram, native);
const workload = new Workload({
  index: data.index,
  vcpus: data.vcpus,
  layout: data.layout,
  fill: data.fill,
  segments,
  dirty: new DirtyBitmap(data.dirty),
  registers: new Registers(data.registers),
  ports,
});

function handleMessages(): void {
  for (
    let message = deferred.shift() ?? receive();
    message !== undefined;
    message = deferred.shift() ?? receive()
  ) {
    switch (message.kind) {
      case 'devices':
        workload.setDevices(message.devices);
        break;
      case 'audit':
        post({ kind: 'done', audit: workload.audit() });
        break;
      case 'set-clock':
        setClock(ports, new Date(message.timeMs));
        post({ kind: 'done' });
        break;
      case 'attend-power':
        answerPowerButton(ports);
        break;
      case 'attend-serial':
        serialWaits = true;
        break;
      case 'interrupt':
        interrupts.add(message.address);
        break;
    }
  }
}

/**
 * Works until what is due is done, or a wake-up after `seen` may mean something else to do. Returns whether it is done.
 */
function work(seen: number, pacer: Pacer): boolean {
  if (!workload.ready) {
    pacer.restart(performance.now());
    while (!workload.ready && control.wakes === seen) workload.fillStep();
    return false;
  }
  const due = pacer.due(performance.now(), control.rate);
  for (let page = 0; page < due; page++) {
    if (control.wakes !== seen) {
      pacer.giveBack(due - page);
      return false;
    }
    useDevice(workload.step());
  }
  return true;
}

function run(): void {
  let paused: number | undefined;
  const pacer = new Pacer(performance.now());
  for (;;) {
    const seen = control.wakes;
    handleMessages();
    const epoch = control.epoch;
    if (epoch === Control.EXIT) return;
    if (epoch % 2 === 0) {
      if (paused !== epoch) post({ kind: 'paused', epoch });
      paused = epoch;
      control.sleep(seen);
      continue;
    }
    if (paused !== undefined) {
      paused = undefined;
      pacer.restart(performance.now());
    }
    if (serialWaits) {
      serialWaits = false;
      echoSerial(ports);
    }
    for (const address of interrupts) {
      interrupts.delete(address);
      useDevice(workload.interrupt(address));
    }
    if (work(seen, pacer)) control.sleep(seen, control.rate > 0 ? SLICE_MS : undefined);
  }
}

// "PID/task/TID": the id of this thread, which Node itself does not tell.
post({ kind: 'up', threadId: Number(readlinkSync('/proc/thread-self').split('/').at(-1)) });
try {
  run();
} catch (error) {
  if (!(error instanceof Ended)) throw error;
} finally {
  if (native !== undefined && data.ram.backing.kind === 'memfd') unmapRam(segments, native);
  port.close();
}
