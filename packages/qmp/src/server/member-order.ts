/**
 * The order in which QEMU walks the members of a message: by bucket of its dictionary's hash table, and within one the
 * member that came last first. It decides which of several wrong members an error names.
 */
export function inDictionaryOrder(members: readonly string[]): readonly string[] {
  if (members.length < 2) return members;
  return members
    .map((member, position) => ({ member, position, bucket: bucketOf(member) }))
    .sort((a, b) => a.bucket - b.bucket || b.position - a.position)
    .map(({ member }) => member);
}

const buckets = 512;

/** QEMU's dictionaries hash the bytes of a name, each shifted by where it stands, into 512 buckets. */
function bucketOf(member: string): number {
  const bytes = Buffer.from(member);
  let sum = Math.imul(0x238f13af, bytes.length);
  bytes.forEach((byte, index) => {
    sum = (sum + (byte << ((index * 5) % 24))) | 0;
  });
  return (Math.imul(1103515243, sum) + 12345) & (buckets - 1);
}
