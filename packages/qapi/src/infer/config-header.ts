/** The symbols that a C header such as QEMU's config-host.h defines; a later `#undef` takes a definition back. */
export function readConfigHeader(text: string): Set<string> {
  const defined = new Set<string>();
  for (const line of text.split('\n')) {
    const directive = /^\s*#\s*(define|undef)\s+([A-Za-z_][A-Za-z0-9_]*)/.exec(line);
    if (directive?.[1] === 'define') defined.add(directive[2]!);
    else if (directive !== null) defined.delete(directive[2]!);
  }
  return defined;
}
