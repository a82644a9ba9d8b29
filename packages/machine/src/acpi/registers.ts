/** Where the registers are, as on QEMU's q35. */
export const ACPI_PORT = 0x600;

/** Offsets of the registers, 16 bits each (ACPI 4.8.3, PM1). */
export const PowerRegister = { STATUS: 0, ENABLE: 2, CONTROL: 4 } as const;

export const PowerStatus = { BUTTON: 1 << 8 } as const;

/** The one sleep state that there is, is off. */
export const PowerControl = { SLEEP: 1 << 13 } as const;
