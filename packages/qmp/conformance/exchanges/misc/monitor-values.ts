import { command, monitorLine, type Scenario } from '../../exchange.js';

/** Values for parameters of migrations: of a byte, of 32 bits, of a size, of a bandwidth, of a switch, of a list. */
const parameters = [
  'throttle-trigger-threshold',
  'x-checkpoint-delay',
  'downtime-limit',
  'announce-rounds',
  'max-bandwidth',
  'max-postcopy-bandwidth',
  'xbzrle-cache-size',
  'cpu-throttle-tailslow',
];
const values = [
  '',
  '0',
  '1',
  '-1',
  '4096',
  '0x10',
  '010',
  '256',
  '1k',
  '1.5',
  '1.5k',
  '1M',
  'x',
  'on',
  '"5"',
  '1 2',
  '99999999999999999999999',
  '9223372036854775807',
];

const objects = [
  'iothread,id=a,foo',
  'iothread,id=1x',
  'nothing,id=1x',
  'iothread,id=a.b',
  'iothread,,x,id=b',
  'iothread,id=c,poll-max-ns=1,poll-max-ns=2',
  'iothread,id=d,.x=1',
  'iothread,id=d,x.=1',
  'iothread,id=d,1x=1',
  'iothread,id=d,_x=1',
  'iothread,id=d,__a.b_x=1',
  'iothread,id=d,x y=1',
  'iothread,id=d,',
  'iothread,id=e,,',
  'iothread,',
  'iothread,id',
  'id=x,iothread',
  '=x',
  '=',
  ',',
  ',,',
  'a=b=c,id=x',
  'iothread,id=f,poll-max-ns=',
  'iothread,id=f,poll-max-ns=1.5',
  'iothread,id=f,poll-max-ns=0x10',
  'iothread,id=g,qom-type=secret',
  'secret,id=h,data=a=b',
  'authz-list,id=i,rules.0.match=x,rules.0.policy=allow',
  'authz-list,id=j,rules.1.match=x',
  'authz-simple,id=k',
];

/** What names a vCPU. */
const processors = ['0', '1', '-1', '99', '2147483648', '4294967296', '4294967297', '-4294967296'];

/** What is blank, and what ends a line. */
const lines = [
  '\tinfo\tname',
  'info\u000bname',
  'p\u00a01',
  'p 1\np 2',
  'p 1;p 2',
  'p\u00e9',
  `help ${'a '.repeat(20)}`,
  'help a b c d e f g h i j k l m n o p q',
  `p ${'9'.repeat(300)}`,
  'i/g 0x80',
  'i/gx 0x80',
  'change x y z w',
  'change x y z retain',
  'set_password nothing x y',
  'migrate_set_parameter multifd-compression nothing',
];

/** Values that the human monitor reads, and what it says of those that it cannot. */
export const monitorValueScenarios: readonly Scenario[] = [
  {
    name: 'values of parameters in the human monitor',
    machine: ['-S'],
    negotiate: 'plain',
    exchanges: parameters.flatMap((name) =>
      values.map((value) => monitorLine(`migrate_set_parameter ${name} ${value}`)),
    ),
  },
  {
    name: 'keys and values of object_add in the human monitor',
    machine: ['-S'],
    negotiate: 'plain',
    exchanges: objects.map((text) => monitorLine(`object_add ${text}`)),
  },
  {
    name: 'blanks, vCPUs and other values in lines of the human monitor',
    machine: ['-S'],
    negotiate: 'plain',
    exchanges: [
      ...processors.map((cpu) => ({
        send: command('human-monitor-command', `{"command-line": "info name", "cpu-index": ${cpu}}`),
      })),
      ...lines.map((line) => monitorLine(line)),
      monitorLine('info migrate'),
      monitorLine('migrate fd:none'),
    ],
  },
];
