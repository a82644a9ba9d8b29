export { ACPI_PORTS, PowerManagement } from './power-management.js';
export { ACPI_PORT } from './registers.js';
