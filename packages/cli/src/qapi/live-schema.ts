import { parseReply } from '@godwit/qapi';
import type { SchemaInfo } from '@godwit/qapi/runtime';
import { QmpClient } from '@godwit/qmp';
import { Failure } from '../io.js';

/** How long a server has to answer (milliseconds). */
const timeoutMs = 10_000;

/** Asks a running server for its schema. */
export async function querySchema(address: string): Promise<SchemaInfo[]> {
  try {
    const client = await QmpClient.connect(address, { connectTimeoutMs: timeoutMs, timeoutMs });
    try {
      return parseReply(await client.execute('query-qmp-schema'));
    } finally {
      await client.close();
    }
  } catch (error) {
    throw new Failure(`${address}: ${(error as Error).message}`, { cause: error });
  }
}
