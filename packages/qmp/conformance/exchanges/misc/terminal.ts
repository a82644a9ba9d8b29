import type { Scenario, SocketExchange } from '../../exchange.js';

const PROMPT = '(qemu) ';

/** Keys, and what the screen shows at the end of the answer. */
const keys = (send: string, until = PROMPT): SocketExchange => ({ socket: 'hmp', send, until });

/** A person at a human monitor: every byte that comes back. */
export const terminalScenarios: readonly Scenario[] = [
  {
    name: 'an interactive monitor',
    negotiate: 'plain',
    machine: ['-S', '-name', 'vm1', '-monitor', 'unix:FOLDER/hmp,server=on,wait=off'],
    exchanges: [
      // The greeting names the version.
      keys('', 'monitor'),
      keys('', PROMPT),
      keys('info name\n'),
      keys('info name\r'),
      keys('stop\r\n', `${PROMPT}\r\n${PROMPT}`),
      keys('info nane\b\bme\n'),
      keys('foo bar baz\x17\x17\x17info uuid\n'),
      keys('nfo statu\x01i\x05s\n'),
      keys('info XX\x1b[D\x1b[D\x04\x04name\n'),
      keys('Zinfo name\x1b[1~\x1b[3~\x1b[4~\n'),
      keys('Yinfo name\x1bOH\x04\x1bOF\n'),
      keys('\x1b[A', 'info name\x1b[K'),
      keys('\x1b[A\x1b[A\x1b[B\x1b[B\x1b[B', '\x1b[D\x1b[D\x1b[K'),
      keys('info status\n'),
      keys('\x1b[A\x1b[A\n'),
      keys('\x1bx\x02\x03\x06info status\n'),
      keys('\x9bA\n'),
      keys('bogus\n'),
      keys('info\tname\n'),
      keys('hel\tinf\tuu\t\n'),
      keys('info na\t\n'),
      keys('chardev-\t', `${PROMPT}chardev-\x1b[K`),
      keys('\x17bogus \t\n'),
      keys('migrate_set_capability eve\to\t', 'events o\x1b[K'),
      keys('\x17\x17\x17object_add iot\t\x17\x17qom-list /nothing\n'),
      keys('help stop\nhelp cont\n', `emulation\r\n${PROMPT}`),
      keys('', `emulation\r\n${PROMPT}`),
      keys('p 1\np 2\np 3\n', `0x3\r\n${PROMPT}`),
      keys('change vnc password\n', 'Password: '),
      keys('secret\n'),
      keys('info name\x0c', `\x1b[1;1H${PROMPT}info name\x1b[K`),
      keys('\n'),
      keys(`${'a'.repeat(300)}\n`),
      keys('cpu 0\n'),
      keys('cpu 5\n'),
      keys('info history\n'),
      { socket: 'hmp', send: '', until: 'monitor', reconnect: true },
      keys('', PROMPT),
      keys('\x1b[A\n'),
      keys('quit\n', 'quit\x1b[K\r\n'),
    ],
  },
];
