import { OptionError } from './option-error.js';
import { parseBoolean, parseSize } from './values.js';

/** The properties of `-accel sim`, parsed. */
export interface SimProperties {
  /** Bytes per second that the guest dirties. */
  dirtyRate?: number;
  /** Bytes that it writes round after round. */
  workingSet?: number;
  /** Give all of RAM contents at power-on. */
  fill?: boolean;
  /** Switch off when the power button is pressed (system_powerdown). */
  powerdown?: boolean;
}

const PARSERS: Readonly<Record<string, (text: string) => SimProperties>> = {
  'dirty-rate': (text) => ({ dirtyRate: Number(parseSize('dirty-rate', text)) }),
  'working-set': (text) => ({ workingSet: Number(parseSize('working-set', text)) }),
  fill: (text) => ({ fill: parseBoolean('fill', text) }),
  powerdown: (text) => ({ powerdown: parseBoolean('powerdown', text) }),
};

/** @throws OptionError */
export function parseSimProperties(given: Readonly<Record<string, string>>): SimProperties {
  let properties: SimProperties = {};
  for (const [name, text] of Object.entries(given)) {
    const parse = Object.hasOwn(PARSERS, name) ? PARSERS[name] : undefined;
    if (parse === undefined) throw new OptionError(`Property 'sim-accel.${name}' not found`);
    properties = { ...properties, ...parse(text) };
  }
  return properties;
}
