export interface NamedTest {
  readonly file: string;
  readonly title: string;
}
export function namedTests(text: string): NamedTest[];
export function testsIn(file: string): { readonly title: string; readonly leftOut: boolean }[];
export interface Title {
  readonly title: string;
  readonly tests?: readonly Title[];
}
export function titlesIn(file: string): Title[];
export function asRun(title: string): RegExp;
