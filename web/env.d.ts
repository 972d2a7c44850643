interface ImportMetaEnv {
  /** Base URL of the API, such as `https://api.example.com`; unset if the API serves the page. */
  readonly VITE_API_URL?: string;
}
