/** An option, or a value of one, that cannot be used. The message is one line, in QEMU's words where it has some. */
export class OptionError extends Error {
  /** What would be right, in lines for people; programs are not told. */
  readonly hint: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly hint?: string | undefined } = {}) {
    super(message, options);
    this.name = 'OptionError';
    this.hint = options.hint;
  }

  /** The message, and the hint in lines of its own. */
  get withHint(): string {
    return this.hint === undefined ? this.message : `${this.message}\n${this.hint}`;
  }
}
