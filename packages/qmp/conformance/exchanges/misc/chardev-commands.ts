import { command, type Exchange } from '../../exchange.js';

/** `data` is the text of the backend's members. */
export function withBackend(
  name: 'chardev-add' | 'chardev-change',
  id: string,
  type: string,
  data = '{}',
): Exchange {
  return { send: command(name, `{"id": "${id}", "backend": {"type": "${type}", "data": ${data}}}`) };
}

/** A command whose one argument is a device's id. */
export function named(name: string, id: string): Exchange {
  return { send: command(name, `{"id": "${id}"}`) };
}

/** The order of the list says nothing. */
export const query: Exchange = { send: command('query-chardev'), unorderedLists: true };
