/** One access of the guest to a device window. The bytes of a read are put into `data` before the program goes on. */
export interface DeviceAccess {
  readonly kind: 'read' | 'write';
  /** An MMIO address. */
  readonly address: number;
  readonly data: Uint8Array;
}

/**
 * What a driver does with its device: it gives up the vCPU for each access, as a real vCPU exits for MMIO, and goes on when
 * that is done. Whoever runs the vCPU decides how to wait: a thread blocks, a vCPU of the machine's own thread may not.
 */
export type DeviceProgram<Result> = Generator<DeviceAccess, Result, void>;

/** Runs a program to its end where every access is done when the call returns. */
export function runProgram<Result>(
  program: DeviceProgram<Result>,
  access: (access: DeviceAccess) => void,
): Result {
  for (;;) {
    const next = program.next();
    if (next.done) return next.value;
    access(next.value);
  }
}

/** As {@link runProgram}, where an access may take its time: then the result is a promise, else it is there at once. */
export function runProgramAsync<Result>(
  program: DeviceProgram<Result>,
  access: (access: DeviceAccess) => void | Promise<void>,
): Result | Promise<Result> {
  for (;;) {
    const next = program.next();
    if (next.done) return next.value;
    const done = access(next.value);
    if (done !== undefined) return done.then(() => runProgramAsync(program, access));
  }
}
