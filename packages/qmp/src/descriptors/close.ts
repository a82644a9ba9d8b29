import { closeSync } from 'node:fs';

/** How descriptors are closed; a test counts with one of its own. */
export type CloseDescriptor = (fd: number) => void;

export const closeDescriptor: CloseDescriptor = closeSync;
