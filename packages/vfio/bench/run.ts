// Device state through the contract and through the v1 region, and dirty bitmaps; one line for each figure. npm run bench vfio
import { deviceFigures } from './figures.js';

for (const { name, value, unit, target } of await deviceFigures()) {
  const goal = unit === 'ms' ? `under ${target} ms` : `at least ${target} GiB/s`;
  console.log(`${name.padEnd(58)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(5)}  ${goal}`);
}
