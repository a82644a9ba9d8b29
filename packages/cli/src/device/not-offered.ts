import { Feature, type RemoteDevice, type VfioUserClient } from '@godwit/vfio-user';

/** What a server could have offered and does not; and whether our client has to estimate what it has left to send. */
export async function notOffered(
  client: VfioUserClient,
  { flags }: RemoteDevice,
): Promise<{ lacks: string[]; estimated: boolean }> {
  const { peer } = client;
  const reportsSize = await client.hasFeature(Feature.MIG_DATA_SIZE, 'get');
  const offers: readonly (readonly [boolean, string])[] = [
    [flags.preCopy, 'PRE_COPY'],
    [flags.p2p, 'P2P'],
    [reportsSize, 'the size of the migration data (estimated here)'],
    [await client.hasFeature(Feature.DMA_LOGGING_START, 'set'), 'DMA logging'],
    [peer.twinSocket.supported, 'a twin socket'],
    [peer.writeMultiple, 'several writes in one message'],
  ];
  const lacks = offers.filter(([offered]) => !offered).map(([, what]) => what);
  return { lacks, estimated: !reportsSize };
}
