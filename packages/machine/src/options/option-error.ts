/** An option, or a value of one, that cannot be used. The message is one line, in QEMU's words where it has some. */
export class OptionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OptionError';
  }
}
