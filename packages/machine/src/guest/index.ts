export type {
  Accelerator,
  Audit,
  DeviceAudit,
  Findings,
  GuestDevice,
  GuestReport,
  Vcpu,
} from './accelerator.js';
export { defaultWorkingSet, type GuestLayout, layoutGuest, type PageRange } from './layout.js';
export { Sim, type SimOptions } from './sim.js';
