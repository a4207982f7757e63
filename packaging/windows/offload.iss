; The installer for Windows. Not yet run.
;
; iscc /DVersion=0.1.0 /DBundle=build\bundle\offload /DOutput=dist packaging\windows\offload.iss
; Paths are taken from the folder of this file; build.sh gives absolute ones.

[Setup]
; Never change it: Windows knows the installed program by it.
AppId={{8C6B2C0E-4D57-4B0B-9A55-2B7B5B1E6E0A}
AppName=offload
AppVersion={#Version}
DefaultDirName={autopf}\offload
DefaultGroupName=offload
OutputDir={#Output}
OutputBaseFilename=offload-{#Version}-windows-x86_64
LicenseFile={#Bundle}\LICENSE
SetupIconFile={#Icon}
UninstallDisplayIcon={app}\offload-app.exe
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
; For this person alone, unless asked otherwise: nobody needs an administrator to chat.
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
Compression=lzma2
SolidCompression=yes
ChangesAssociations=yes
ChangesEnvironment=yes
CloseApplications=yes

[Tasks]
Name: path; Description: "Make the command offload known to terminals"
Name: gguf; Description: "Open .gguf files with offload"

[Files]
Source: "{#Bundle}\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[InstallDelete]
; Of an older release nothing may stay among the new libraries.
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\offload"; Filename: "{app}\offload-app.exe"

[Registry]
Root: HKA; Subkey: "Software\Classes\.gguf\OpenWithProgids"; ValueType: string; ValueName: "offload.gguf"; ValueData: ""; Flags: uninsdeletevalue; Tasks: gguf
Root: HKA; Subkey: "Software\Classes\offload.gguf"; ValueType: string; ValueData: "Language model (GGUF)"; Flags: uninsdeletekey; Tasks: gguf
Root: HKA; Subkey: "Software\Classes\offload.gguf\shell\open\command"; ValueType: string; ValueData: """{app}\offload-app.exe"" ""%1"""; Tasks: gguf
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Check: IsNotInPath; Tasks: path

[Code]
function PathOfUser: String;
begin
  if not RegQueryStringValue(HKEY_CURRENT_USER, 'Environment', 'Path', Result) then
    Result := '';
end;

function IsNotInPath: Boolean;
begin
  Result := Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(PathOfUser) + ';') = 0;
end;

{ What the installation added to the path goes with it; conversations and models stay, in the user's own folders. }
procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Whole: String;
begin
  if Step <> usPostUninstall then
    exit;
  Whole := ';' + PathOfUser + ';';
  if StringChangeEx(Whole, ';' + ExpandConstant('{app}') + ';', ';', True) > 0 then
    RegWriteExpandStringValue(HKEY_CURRENT_USER, 'Environment', 'Path', Copy(Whole, 2, Length(Whole) - 2));
end;
