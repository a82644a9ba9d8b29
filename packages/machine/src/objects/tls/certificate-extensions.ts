/** What a certificate says that it may be used for (RFC 5280, 4.2.1), as far as it says so. */
export interface CertificateUses {
  /** Whether it is an authority's; absent when it has no basic constraints. */
  readonly authority?: boolean;
  /** Bits of key usage, the first one highest; absent without the extension. */
  readonly keyUsage?: { readonly critical: boolean; readonly bits: number };
  /** Object identifiers in hexadecimal of their DER contents. */
  readonly purposes?: { readonly critical: boolean; readonly identifiers: readonly string[] };
}

interface Element {
  readonly tag: number;
  readonly body: Buffer;
}

const TAG = { boolean: 0x01, bitString: 0x03, octetString: 0x04, identifier: 0x06, sequence: 0x30 } as const;

/** Extensions by the DER contents of their identifiers: 2.5.29.19, .15 and .37. */
const EXTENSION = { basicConstraints: '551d13', keyUsage: '551d0f', purposes: '551d25' } as const;

/** The context tag of a certificate's extensions. */
const EXTENSIONS_TAG = 0xa3;

/** Reads a certificate in DER, which the library has accepted before. */
export function certificateUses(der: Buffer): CertificateUses {
  const [certificate] = elements(der);
  const [signed] = certificate === undefined ? [] : elements(certificate.body);
  const wrapped = signed && elements(signed.body).find(({ tag }) => tag === EXTENSIONS_TAG);
  const [list] = wrapped === undefined ? [] : elements(wrapped.body);
  let uses: CertificateUses = {};
  for (const extension of list === undefined ? [] : elements(list.body)) {
    const parts = elements(extension.body);
    const name = parts.find(({ tag }) => tag === TAG.identifier)?.body.toString('hex');
    const critical = parts.some(({ tag, body }) => tag === TAG.boolean && body[0] !== 0);
    const [value] = elements(parts.find(({ tag }) => tag === TAG.octetString)?.body ?? Buffer.alloc(0));
    if (value === undefined) continue;
    if (name === EXTENSION.basicConstraints) {
      const authority = elements(value.body).some(({ tag, body }) => tag === TAG.boolean && body[0] !== 0);
      uses = { ...uses, authority };
    } else if (name === EXTENSION.keyUsage) {
      uses = { ...uses, keyUsage: { critical, bits: value.body[1] ?? 0 } };
    } else if (name === EXTENSION.purposes) {
      const identifiers = elements(value.body).map(({ body }) => body.toString('hex'));
      uses = { ...uses, purposes: { critical, identifiers } };
    }
  }
  return uses;
}

/** The elements that stand one after the other in `bytes`; what cannot be read ends them. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const tag = bytes[at]!;
    const first = bytes[at + 1]!;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthBytes;
    if (lengthBytes > 4 || start > bytes.length) return found;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    if (start + length > bytes.length) return found;
    found.push({ tag, body: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
