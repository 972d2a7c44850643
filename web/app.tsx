/** The page, whatever its path. */
export function App() {
  return <h1>대문</h1>;
}
