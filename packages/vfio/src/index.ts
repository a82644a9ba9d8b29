export * from './contract.js';
export { checkLoggingRanges, checkReport, DmaLogger, MAX_DMA_LOGGING_RANGES } from './dma-logger.js';
export { flagBits, flagsOfBits, MigrationFlag, offersState } from './flags.js';
export { checkDevice, type Report, RULES, type RuleResult } from './kit/check-device.js';
export { checkRegion, type RegionCandidate } from './kit/check-region.js';
export { reportText } from './kit/report.js';
export { type CheckOptions, NoDevice, type Rule, Violation } from './kit/rule.js';
export { REGION_RULES, type RegionTrial } from './kit/rules/region.js';
export { Trial } from './kit/trial.js';
export { COMMON_REGISTERS, Control, DEVICE_MAGIC, InterruptCause } from './model/common-registers.js';
export type { ModelDefinition } from './model/definition.js';
export { BLOCK_SIZE, type Verification } from './model/device-memory.js';
export { DMA_PAGE_SIZE, wrongDmaPages } from './model/dma-window.js';
export { type ArcFault, Faults } from './model/faults.js';
export { ModelDevice } from './model/model-device.js';
export type { ModelEnvironment, ModelledDevice } from './model/modelled-device.js';
export {
  Properties,
  type PropertyDefinition,
  PropertyError,
  type PropertyType,
  type PropertyValue,
  parseProperties,
} from './model/property.js';
export { REGISTER_REGION_SIZE, type RegisterDefinition, type RegisterTable } from './model/registers.js';
export { BLOCK_REGISTERS, BlockRequest, BlockStatus, SECTOR_SIZE } from './models/block/registers.js';
export { CRYPTO_REGISTERS, DIGEST_SIZE } from './models/crypto/registers.js';
export { GPU_REGISTERS, GpuCommand } from './models/gpu/registers.js';
export { NIC_REGISTERS } from './models/nic/registers.js';
export {
  DESCRIPTOR_DONE,
  DESCRIPTOR_SIZE,
  type Descriptor,
  decodeDescriptor,
  encodeDescriptor,
  MAX_FRAME,
} from './models/nic/ring.js';
export { createModel, MODEL_DEVICE_TYPE, MODELS, modelProperties } from './models/registry.js';
export { V1Model } from './models/v1-model.js';
export {
  ARCS,
  type Arc,
  arcName,
  isPreCopy,
  isSaving,
  NEXT_STATE,
  nextState,
  pathTo,
  type StreamEffect,
  streamEffect,
} from './transitions.js';
export { DeviceLogic } from './v1/device-logic.js';
export {
  decodeField,
  encodeField,
  fieldsAt,
  V1_FIELD_NAMES,
  V1_FIELDS,
  V1_INFO_SIZE,
  V1_PAGE_SIZE,
  V1_REGION_SUBTYPE,
  V1_REGION_TYPE,
  type V1Field,
  type V1FieldName,
} from './v1/layout.js';
export type { MappedArea, MigrationRegion } from './v1/region.js';
export { RegionUser } from './v1/region-user.js';
export { V1_NEXT_STATES, V1State, v1StateText } from './v1/states.js';
export { tracedRegion } from './v1/trace.js';
export { type DeviceConfig, V1Device, type V1DeviceOptions } from './v1/v1-device.js';
export { type V1Logic, type V1Pending, VendorDriver, type VendorDriverOptions } from './v1/vendor-driver.js';
