import { Component, type ReactNode } from 'react';
import { useWords } from '../i18n/language.js';
import './async.css';

export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

/** Error boundary of user content, without the buttons that edit or delete it. Its key should change with the content. */
export class ContentBoundary extends Component<
  { readonly children: ReactNode; readonly instead?: ReactNode },
  { readonly broken: boolean }
> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? (this.props.instead ?? <ContentBroken />) : this.props.children;
  }
}

function ContentBroken() {
  return <p className="hint">{useWords().frame.partBroken}</p>;
}

function Broken() {
  const words = useWords();
  return (
    <div className="nothing" role="alert">
      <h1>{words.frame.broken}</h1>
      <p>{words.frame.brokenText}</p>
      <button className="plain" onClick={() => location.reload()}>
        {words.frame.reload}
      </button>
    </div>
  );
}
