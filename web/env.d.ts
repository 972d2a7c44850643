interface ImportMetaEnv {
  /** Where the API is, such as `https://api.example.com`; unset where it serves the page itself. */
  readonly VITE_API_URL?: string;
}
