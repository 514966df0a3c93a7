//! Who may give a command: asked when it is given, never remembered, and refused where it cannot be asked.

use super::{Context, Spec};
use crate::github::transport::ApiError;
use crate::github::types::Collaborator;
use crate::report::replies::Refusal;
use crate::review::settings::{Access, Least, Role, Settings, SettingsProblem};

/// By what somebody may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// In words, for the record: `maintain`, `team oncall`, `anyone`.
    pub by: String,
    /// The author of the pull request may use it on findings of their own.
    pub own: bool,
}

/// Returns by what the person may give the command of `spec`, or why not.
///
/// # Errors
/// The refusal inside; outside what keeps GitHub from telling.
pub async fn allowed(
    cx: &Context<'_>,
    spec: &Spec,
    (settings, problems): &(Settings, Vec<SettingsProblem>),
) -> Result<Result<Granted, Refusal>, ApiError> {
    let said = settings.commands.of(spec.name);
    let least = said.and_then(|access| access.least).unwrap_or(spec.least);
    let own = said.and_then(|access| access.own).unwrap_or(false);
    // A file that is not understood may have wanted less than the defaults allow. What only shows something does no harm.
    if let Some(problem) = problems.first().filter(|_| spec.least != Least::Anyone) {
        return Ok(Err(Refusal::Settings { line: problem.line, message: problem.message.clone() }));
    }
    if least == Least::Anyone {
        return Ok(Ok(Granted { by: "anyone".to_owned(), own }));
    }
    let collaborator = cx.api.collaborator(&cx.actor.login).await?;
    // A name can go to another account between the comment and this question.
    let role = if collaborator.user.as_ref().is_some_and(|user| user.id == cx.actor.id) { role_of(&collaborator) } else { None };
    if let (Least::Role(least), Some(role)) = (least, role)
        && role >= least
    {
        return Ok(Ok(Granted { by: role.name().to_owned(), own }));
    }
    let teams = said.map_or(&[] as &[String], |access: &Access| access.teams.as_slice());
    for team in teams {
        match cx.api.is_in_team(team, &cx.actor.login).await {
            Ok(true) => return Ok(Ok(Granted { by: format!("team {team}"), own })),
            Ok(false) => {}
            // The App may not ask about members: that lets nobody in.
            Err(error) if matches!(error.status(), Some(403 | 422)) => return Ok(Err(Refusal::TeamsUnknown { team: team.clone() })),
            Err(error) => return Err(error),
        }
    }
    let needs = match least {
        Least::Role(role) => Some(role.name()),
        Least::Anyone | Least::Nobody => None,
    };
    Ok(Err(Refusal::NotAllowed { command: spec.name, needs, teams: teams.to_vec(), has: role.map_or("none", Role::name) }))
}

/// Returns the role; of one that the organisation made, the standard one that it is built on.
fn role_of(collaborator: &Collaborator) -> Option<Role> {
    Role::named(&collaborator.role_name).or_else(|| match collaborator.role_name.as_str() {
        "none" => None,
        _ => Role::named(&collaborator.permission),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_what_it_is_called_now_and_one_of_the_organisation_what_it_is_built_on() {
        let role = |name: &str, old: &str| role_of(&Collaborator { role_name: name.to_owned(), permission: old.to_owned(), user: None });
        assert_eq!(role("maintain", "write"), Some(Role::Maintain));
        assert_eq!(role("triage", "read"), Some(Role::Triage));
        assert_eq!(role("security engineer", "write"), Some(Role::Write));
        assert_eq!(role("none", "none"), None);
        assert_eq!(role("", ""), None);
    }
}
