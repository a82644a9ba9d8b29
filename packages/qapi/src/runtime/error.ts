/** The error classes of QMP (QAPI schema: QapiErrorClass). */
export type ErrorClass =
  | 'GenericError'
  | 'CommandNotFound'
  | 'DeviceNotActive'
  | 'DeviceNotFound'
  | 'KVMMissingCap';

/** An error that a server reports to its client: `{"error": {"class": errorClass, "desc": message}}`. */
export class QapiError extends Error {
  readonly errorClass: ErrorClass;

  constructor(errorClass: ErrorClass, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'QapiError';
    this.errorClass = errorClass;
  }
}
