/** A type of objects. */
export interface ObjectTypeDefinition {
  readonly name: string;
  readonly parent?: string;
  /** There are no objects of this very type. */
  readonly abstract?: true;
  /** `object-add` and -object can make it. */
  readonly userCreatable?: true;
}

/** Every type that objects of a machine can have. */
export const OBJECT_TYPES: readonly ObjectTypeDefinition[] = [
  { name: 'object', abstract: true },
  { name: 'container', parent: 'object' },
  { name: 'machine', parent: 'object', abstract: true },
  { name: 'sim-machine', parent: 'machine' },
  { name: 'sim-guest', parent: 'object' },
  { name: 'chardev', parent: 'object', abstract: true },
  { name: 'chardev-socket', parent: 'chardev' },
  { name: 'chardev-file', parent: 'chardev' },
  { name: 'chardev-stdio', parent: 'chardev' },
  { name: 'chardev-null', parent: 'chardev' },
  { name: 'chardev-ringbuf', parent: 'chardev' },
  { name: 'chardev-memory', parent: 'chardev' },
  { name: 'chardev-pipe', parent: 'chardev' },
  { name: 'chardev-pty', parent: 'chardev' },
  { name: 'chardev-udp', parent: 'chardev' },
  { name: 'chardev-serial', parent: 'chardev' },
  { name: 'chardev-parallel', parent: 'chardev' },
  { name: 'chardev-vc', parent: 'chardev' },
  { name: 'chardev-testdev', parent: 'chardev' },
  { name: 'chardev-mux', parent: 'chardev' },
  { name: 'event-loop-base', parent: 'object', abstract: true },
  { name: 'iothread', parent: 'event-loop-base', userCreatable: true },
  { name: 'secret_common', parent: 'object', abstract: true },
  { name: 'secret', parent: 'secret_common', userCreatable: true },
  { name: 'tls-creds', parent: 'object', abstract: true },
  { name: 'tls-creds-anon', parent: 'tls-creds', userCreatable: true },
  { name: 'tls-creds-psk', parent: 'tls-creds', userCreatable: true },
  { name: 'tls-creds-x509', parent: 'tls-creds', userCreatable: true },
  { name: 'authz', parent: 'object', abstract: true },
  { name: 'authz-list', parent: 'authz', userCreatable: true },
  { name: 'authz-simple', parent: 'authz', userCreatable: true },
  { name: 'x-vfio-user-server', parent: 'object', userCreatable: true },
  { name: 'device', parent: 'object', abstract: true },
  { name: 'cpu', parent: 'device', abstract: true },
  { name: 'sim-cpu', parent: 'cpu' },
  { name: 'mc146818rtc', parent: 'device' },
  { name: 'isa-serial', parent: 'device' },
  { name: 'vfio-device', parent: 'device', abstract: true },
  { name: 'vfio-model', parent: 'vfio-device' },
  { name: 'vfio-user-pci', parent: 'vfio-device' },
];

const BY_NAME: ReadonlyMap<string, ObjectTypeDefinition> = new Map(
  OBJECT_TYPES.map((type) => [type.name, type]),
);

export function findObjectType(name: string): ObjectTypeDefinition | undefined {
  return BY_NAME.get(name);
}

/** The interface of what `object-add` can make. */
const USER_CREATABLE = 'user-creatable';

/** Whether objects of `name` are also of type `ancestor`, or have that interface. */
export function isSubtype(name: string, ancestor: string): boolean {
  for (let type = BY_NAME.get(name); type !== undefined; type = BY_NAME.get(type.parent ?? '')) {
    if (type.name === ancestor || (ancestor === USER_CREATABLE && type.userCreatable)) return true;
  }
  return false;
}
