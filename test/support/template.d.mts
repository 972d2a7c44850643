export declare const TEMPLATE_DIR: string;
