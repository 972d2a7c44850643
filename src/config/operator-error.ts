/** Something that whoever runs this can mend, and that the message explains in full: it is shown without a stack. */
export class OperatorError extends Error {}
