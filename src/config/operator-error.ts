/** An error that the operator can correct. Its message has cause and remedy, and is shown without a stack. */
export class OperatorError extends Error {}
